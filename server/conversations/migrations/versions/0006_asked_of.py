"""What each turn was asked of, a collection or documents; a conversation remembers the same instead of a name."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turn", sa.Column("asked_of", sa.String, nullable=False, server_default=""))
    op.add_column("conversation", sa.Column("asked_of", sa.String, nullable=False, server_default=""))
    op.execute("UPDATE conversation SET asked_of = json_array(collection, 0, json('[]')) WHERE collection != ''")
    op.drop_column("conversation", "collection")
