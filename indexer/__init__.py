"""Documents to knowledge: what reads a company's files, makes them searchable and searches them.

What belongs here: whatever a document or a search needs, whether a server runs or not.
What does not: language models, answers, HTTP (`server`).
Imports run from `cli` down to `text`, never to `server`. tests/test_repository.py holds every room to its floor.
"""
