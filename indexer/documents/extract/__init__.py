"""Bytes to text with structure: `Extractor(settings).extract(path)` gives an ExtractedDocument or raises a FileError.

What belongs here: a file a format family, found by `formats.py`; all of them run in the process of `worker.py`, so
that importing this package imports none of the libraries that read documents.
What does not: which files are read (`documents.scan`), how they are cut into chunks (`documents.chunk`).
Imports nothing else of ours.
"""

from indexer.documents.extract.document import Block, ExtractedDocument
from indexer.documents.extract.formats import media_type, supported
from indexer.documents.extract.process import Extractor

__all__ = ["Block", "ExtractedDocument", "Extractor", "media_type", "supported"]
