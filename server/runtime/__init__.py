"""What one running server holds and does in the background: services, loading, health, metrics, housekeeping.

What belongs here: long-lived parts and what keeps them up to date.
What does not: requests (`web`); what a question or a document needs (`answering`, `library`).
Imports `conversations`, `library`, `answering`, `llm` and `sessions`, and of the indexer `search`, `knowledge`,
`passages`, `embed` and `text`.
"""
