"""Plain text, and bytes to characters for every kind of text file.

What belongs here: encodings, and the structure that plain text shows by blank lines and marks.
What does not: text with marks of its own (`extract.markdown`, `extract.html`).
Imports the top of `extract`.
"""
