"""Generations of chunks, what a rebuild has made of the next one, and which reader read each file."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("chunk", sa.Column("generation", sa.Integer, nullable=False, server_default="1"))
    op.create_index("ix_chunk_generation", "chunk", ["document_id", "generation"])
    op.drop_index("ix_chunk_document_id", "chunk")  # the beginning of the other
    op.create_table(
        "rebuilt",
        sa.Column("document_id", sa.Integer, sa.ForeignKey("document.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("change", sa.Integer, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
    )
    op.add_column("ledger", sa.Column("reader", sa.Integer, nullable=False, server_default="0"))
