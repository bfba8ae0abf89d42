"""A question and its history to ranked passages.

What belongs here: the indexes in memory, scores and their fusion, spelling, reranking, how answerable a question
seems.
What does not: how documents got into the database (`ingest`), what is done with passages (`server`).
Imports `knowledge`, `passages`, `embed` and `text`. `vectors` alone uses FAISS.
"""
