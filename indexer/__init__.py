"""Documents to knowledge: what reads a company's files, makes them searchable and searches them.

What belongs here: whatever a document or a search needs, whether a server runs or not.
What does not: language models, answers, HTTP (`server`).
Imports run from `cli` down to `text`, never to `server`: a room (a package, or a module beside them) uses those on
lower floors, listed as FLOORS in tests/test_repository.py, and its docstring names them; settings and errors all may
use.
"""
