"""Indexes that hold all that a page counts: a document's later columns stand behind its text in the row."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_document_readable", "document", ["collection_id", "deleted_at", "indexed_at"])
    op.create_index("ix_document_title", "document", ["collection_id", "root", "path", "title"])
    op.drop_index("ix_document_collection_id", "document")  # the beginning of both
    op.create_index("ix_ledger_listed", "ledger", ["collection_id", "deleted_at", "state", "seen_at", "path"])
    op.drop_index("ix_ledger_collection_id", "ledger")
    op.create_index("ix_ledger_deleted", "ledger", ["deleted_at"], sqlite_where=sa.text("deleted_at IS NOT NULL"))
    op.create_index("ix_ingest_run_finished", "ingest_run", ["collection_id", "finished_at"])
