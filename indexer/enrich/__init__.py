"""Texts that a language model writes about each chunk; they are searched and lead to it, and are never shown.

What belongs here: asking for such texts, checking them, keeping those worth searching.
What does not: searching them (`search.entry_index`), storing them (`knowledge.entries`).
Imports `search`, `knowledge`, `passages`, `embed` and `text`.
"""
