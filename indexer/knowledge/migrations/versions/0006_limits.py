"""Under which limits a file took too long or too much memory: it is not read again until it or they change."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ledger", sa.Column("limits", sa.String, nullable=False, server_default=""))
