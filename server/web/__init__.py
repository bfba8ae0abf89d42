"""HTTP: what pages and API share. Who asks, what is refused before a route sees it, exceptions to answers.

What belongs here: security, sessions, problems, templating. Routes stand in `pages` and `api`: parse, call, render.
What does not: anything that would be needed without HTTP.
Imports `library` and `sessions`, and of the indexer `knowledge`.
"""
