"""PDF files to blocks, with PDFium: characters to lines, lines to columns, rows and paragraphs.

What belongs here: where things stand on a page and what that makes of them.
What does not: recognising words in pictures; those pages are remarked.
Imports the top of `extract`.
"""
