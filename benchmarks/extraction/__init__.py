"""A set of made documents with the text that a person sees in them, and how far readers of documents find it.

What belongs here: the notation of that text (`expected.py`), the makers of files (`made_*.py`, by family; `field.py`,
`office.py` and `corpora.py` are parts that need something beside the repository), readers behind one shape
(`readers.py`), the process in which one runs (`child.py`, `running.py`), and the score (`score.py`).
`benchmarks/extract.py` puts them together.
What does not: anything of the product. Files and texts were written for this set; nothing is taken from elsewhere.
Imports `indexer` only for Docent's own reader.
"""
