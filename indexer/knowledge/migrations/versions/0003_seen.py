"""When somebody has seen that a file was not read: until then it stands at the top of the documents page."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ledger", sa.Column("seen_at", sa.DateTime))
