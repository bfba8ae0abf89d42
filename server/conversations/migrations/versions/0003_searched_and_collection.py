"""What a turn was searched for, where it is not the question; the collection that a conversation asks."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turn", sa.Column("searched", sa.String, nullable=False, server_default=""))
    op.add_column("turn", sa.Column("searched_with", sa.String, nullable=False, server_default=""))
    op.add_column("conversation", sa.Column("collection", sa.String, nullable=False, server_default=""))
