"""What Word, Excel and PowerPoint files have in common: the package of parts, drawings, numbers as Excel shows them.

What belongs here: what at least two of the three read, or what has to be checked before any of them is opened.
What does not: what one program alone writes (`extract.word`, `extract.sheets`, `extract.slides`).
Imports the top of `extract`.
"""
