"""What the running server does with documents: uploads, ingest jobs, example questions.

What belongs here: work on the collection that a page or program starts.
What does not: reading and indexing itself, which is the indexer's, in a process of its own.
Imports `answering` and the indexer.
"""
