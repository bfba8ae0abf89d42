"""Word files to blocks: a walk over the parts of a file in the order in which a person sees them.

What belongs here: what Word counts, hides, repeats and puts beside the text by itself.
What does not: charts, diagrams and equations (`extract.office`).
Imports the top of `extract`, `extract.html`, `extract.office` and `extract.text`.
"""
