"""Where the words of a document stand on its pages. NULL until the document is read again."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("document", sa.Column("boxes", sa.LargeBinary, nullable=True))
