"""A question in, a cited answer out: the chat page, the API and the language model behind them.

What belongs here: whatever a running server does, and the commands of `docent`.
What does not: reading, indexing and searching documents, which `indexer` does with or without a server.
Imports run from `cli` and `web` down to `engine`, and to `indexer`. tests/test_repository.py holds every room to its
floor.
"""
