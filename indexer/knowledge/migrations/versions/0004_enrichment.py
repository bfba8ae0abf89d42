"""What a language model wrote about a passage: entries that lead to it, and which passages are done."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "entry",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("chunk_id", sa.Integer, sa.ForeignKey("chunk.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "enrichment",
        sa.Column("chunk_id", sa.Integer, sa.ForeignKey("chunk.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("dropped", sa.Integer, nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
    )
