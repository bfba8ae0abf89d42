"""By what equal and nearly equal documents are found. The next run signs the documents that are there already."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signature",
        sa.Column("document_id", sa.Integer, sa.ForeignKey("document.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("form", sa.String, nullable=False),
        sa.Column("words", sa.LargeBinary, nullable=False, index=True),
        sa.Column("minhash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "signature_band",
        sa.Column("document_id", sa.Integer, sa.ForeignKey("document.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("value", sa.Integer, primary_key=True),
    )
    op.create_index("ix_signature_band", "signature_band", ["value", "document_id"])
