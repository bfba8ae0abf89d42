"""HTML, as files and inside of other files, to blocks.

What belongs here: what a browser shows of a page, and what of it is menu and not content.
What does not: Markdown's own marks (`extract.markdown`).
Imports the top of `extract` and `extract.text`.
"""
