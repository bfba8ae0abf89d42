"""Conversations: chat.db, its only reader and writer, and the answers that are under way.

What belongs here: tables, migrations and queries of chat.db; turns while they run and who follows them; feedback.
What does not: how an answer comes about (`answering`), how a turn looks (`views`).
Imports `answering` and `llm`, and of the indexer `knowledge`, `passages` and `text`.
"""
