"""A folder's files to extracted documents and their chunks: `Reader(settings).read(path)`, in a process of its own.

What belongs here: which files a run is given, the reading process, extraction by format (`extract`), cutting into
chunks.
What does not: vectors, the database, the search. Imports `extract`, `text`, and `embed` for where its
model lies.
"""
