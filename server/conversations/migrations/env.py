"""Alembic's entry point for chat.db; the connection comes from `indexer.knowledge.database`."""

from alembic import context
from sqlmodel import SQLModel

import server.conversations.tables  # noqa: F401 (fills the metadata)

context.configure(connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata)
with context.begin_transaction():
    context.run_migrations()
