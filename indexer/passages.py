"""What both sides speak of: a scope to search in, the passages found in it, their sentences.

Plain dataclasses: they import neither a database nor an index, so that who works on passages needs neither.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scope:
    """The collections that the asker may read. Required by everything that returns a document's words."""

    collections: frozenset[int]

    def narrowed(self, collections: frozenset[int]) -> "Scope":
        return Scope(self.collections & collections)


@dataclass(frozen=True)
class Sentence:
    """A sentence of a passage: code points `[start, end)` of the document's text, and its vector."""

    start: int
    end: int
    text: str
    vector: NDArray[np.float32] = field(repr=False, compare=False)  # (dim,), unit length
    heading: str = ""  # heading path, " › " between levels


@dataclass(frozen=True)
class Passage:
    """A found stretch of a document: one chunk, or neighbouring chunks of one page merged."""

    rank: int  # from 1
    score: float  # fused score, 0 to 1
    cosine: float  # best cosine of its chunks with the question
    document_id: int
    collection_id: int
    document: str  # path relative to the ingested folder, POSIX form
    title: str
    heading: str  # that of its best sentence
    page: int | None
    start: int
    end: int
    text: str  # document.text[start:end]
    prefix: str
    sentences: tuple[Sentence, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Retrieved:
    """Passages in rank order, and what the question was turned into, so that sentences are scored alike."""

    passages: tuple[Passage, ...]
    vector: NDArray[np.float32]  # (dim,): mean of the question's vectors, history mixed in
    terms: dict[str, float]  # search terms and how much each tells (idf; less where only the history has it)
    searched: str = ""  # what was searched for where that is not the question: it cut, its misspelt words mended
    together_with: str = ""  # the questions before it, the newest first, where their scores were mixed in
    question: str = ""  # as it was searched for, without the one before it
