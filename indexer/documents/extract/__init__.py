"""Bytes to text with structure: `formats.extract_bytes(data, name)` gives an ExtractedDocument or raises a FileError.

What belongs here: a room for each family of formats, found by `formats.py`, and what all of them need: putting blocks
together (`builder`), cleaning characters, choosing titles. All of it runs in the process of `documents.worker`,
so that importing this package imports none of the libraries that read documents.
What does not: which files are read (`documents.scan`), in which process (`documents.process`), how they are cut into
chunks (`documents.chunk`).
Imports `text`.
"""

from indexer.documents.extract.document import Block, ExtractedDocument
from indexer.documents.extract.formats import media_type, supported

__all__ = ["Block", "ExtractedDocument", "media_type", "supported"]
