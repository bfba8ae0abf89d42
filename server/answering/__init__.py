"""The whole way of a question: search, refuse or choose evidence, prompt, write, check citations.

What belongs here: whatever decides what an answer says. `answer.py` reads from top to bottom as the whole way.
What does not: HTTP, HTML, who asks, where answers are kept.
Imports `llm`, and of the indexer `search`, `knowledge`, `extract`, `passages` and `text`.
"""
