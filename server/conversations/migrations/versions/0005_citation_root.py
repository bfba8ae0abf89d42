"""The folder that a cited document was ingested with: a collection may have a document of one path in several."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("citation", sa.Column("root", sa.String, nullable=False, server_default=""))
