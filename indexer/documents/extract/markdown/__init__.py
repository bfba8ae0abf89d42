"""Markdown to blocks, by way of HTML.

What belongs here: what is Markdown's own: front matter, template language, HTML islands, the parser and its bounds.
What does not: what HTML looks like to a reader (`extract.html`).
Imports the top of `extract`, `extract.html` and `extract.text`.
"""
