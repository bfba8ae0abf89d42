"""A question in, a cited answer out: the chat page, the API and the language model behind them.

What belongs here: whatever a running server does, and the commands of `docent`.
What does not: reading, indexing and searching documents, which `indexer` does with or without a server.
Imports run from `cli` and `web` down to `engine`, and to `indexer`: a room (a package, or a module beside them) uses
those on lower floors, listed as FLOORS in tests/test_repository.py, and its docstring names them; settings and errors
all may use.
"""
