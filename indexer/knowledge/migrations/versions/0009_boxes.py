"""Where the words of a document stand on its pages. NULL until the document is read again."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = max(path.name[:4] for path in Path(__file__).parent.glob("0*.py") if path.name[:4] < revision)
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("document", sa.Column("boxes", sa.LargeBinary, nullable=True))
