"""PowerPoint files to blocks: a slide is a page.

What belongs here: which shapes of a slide are read in which order, and what each says.
What does not: charts and SmartArt (`extract.office`).
Imports the top of `extract` and `extract.office`.
"""
