"""What the running server does with documents: uploads, ingest jobs, pages as pictures, example questions, what to ask
next.

What belongs here: work on the collection that a page or program starts.
What does not: reading and indexing itself, which is the indexer's, in a process of its own; deleting and bringing back,
which are the indexer's `knowledge.trash`.
Imports `answering` and `llm`, and of the indexer `knowledge`, `documents`, `extract`, `passages`, `text` and
`console`.
"""
