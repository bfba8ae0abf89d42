"""Data to words, HTML and Markdown. Pure: what these functions show is given to them.

What belongs here: numbers and times in words, Markdown to safe HTML, a source with its highlight, exports.
What does not: requests, the database, the templates themselves (`templates/`), the figures and words of the settings
page, which are its own.
Imports `conversations`, `library` and `answering`, and of the indexer `knowledge`, `extract`, `passages` and `text`,
for what they hold.
"""
