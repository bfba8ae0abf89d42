"""When a file was deleted by hand: its document is hidden, and its ledger entry keeps it from coming back."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("document", sa.Column("deleted_at", sa.DateTime))
    op.add_column("ledger", sa.Column("deleted_at", sa.DateTime))
