"""knowledge.db, the truth of which every index is derived: its tables, migrations, and what reads and writes them.

What belongs here: whatever speaks SQL about documents, the ledger, runs, deleting and bringing back, and what the index
was made with.
What does not: ranking and indexes in memory (`search`), reading files (`documents`).
Imports `documents`, `extract`, `passages` and `embed`, for the shapes that it stores, and `text`.
"""
