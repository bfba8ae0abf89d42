"""What a language model has written about whole documents."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "brief",
        sa.Column("document_id", sa.Integer, sa.ForeignKey("document.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("content", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("made", sa.String, nullable=False),
        sa.Column("made_at", sa.DateTime, nullable=False),
    )
