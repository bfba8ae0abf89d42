"""Indexes that hold all that is read of many conversations or turns at once, so that no query walks a whole table."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_conversation_list", "conversation", ["owner", "deleted_at", "updated_at"])
    op.drop_index("ix_conversation_owner")
    op.create_index("ix_turn_tree", "turn", ["conversation_id", "parent_id"])
    op.drop_index("ix_turn_conversation_id")
    op.create_index("ix_turn_words", "turn", ["conversation_id", "question", "answer"])
    running = sa.text("state = 'running'")
    op.create_index("ix_turn_running", "turn", ["state", "conversation_id"], sqlite_where=running)
