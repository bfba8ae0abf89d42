"""Data to words, HTML and Markdown. Pure: what these functions show is given to them.

What belongs here: numbers and times in words, Markdown to safe HTML, a source with its highlight, exports.
What does not: requests, the database, templates' files (`templates/`).
Imports `conversations` and the indexer for the dataclasses that it shows.
"""
