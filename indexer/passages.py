"""What both sides speak of: a scope to search in, the passages found in it, their sentences.

Plain dataclasses: they import neither a database nor an index, so that who works on passages needs neither.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from indexer.text.folding import statements


@dataclass(frozen=True)
class Folder:
    """A folder below one that was ingested into a collection, and all that is in it.

    A collection may have several roots, with a folder of the same name in each.
    """

    collection_id: int
    root: str  # as documents have it: the absolute folder that was ingested
    path: str  # as documents' paths have it: POSIX, relative, no "/" around; empty: all below the root

    def holds(self, collection_id: int, root: str, path: str) -> bool:
        """Whether a file lies in it; one of unknown root (empty) lies in none."""
        if not root or (collection_id, root) != (self.collection_id, self.root):
            return False
        return not self.path or path.startswith(f"{self.path}/")


@dataclass(frozen=True)
class Scope:
    """What the asker may read, and of it what is asked of. Required by everything that returns a document's words.

    A document is inside when its collection is granted, it lies in one of the folders where any are named, and it is
    one of the documents where any are chosen; and when it belongs to the conversation, whatever else is named.
    `indexer.knowledge.readable` says the same to a database.
    """

    collections: frozenset[int]  # granted
    folders: frozenset[Folder] = frozenset()  # allowed within them; empty: all
    documents: frozenset[int] = frozenset()  # chosen within them, by id; empty: all
    own: frozenset[int] = frozenset()  # ids of the conversation's own files

    def holds(self, document_id: int | None, collection_id: int, root: str, path: str) -> bool:
        """Whether a document is inside. A file that is no document has no id: None. What was stored before roots were
        stored with it has none (empty), and is outside where folders are named."""
        if document_id in self.own:
            return True
        if collection_id not in self.collections or (self.documents and document_id not in self.documents):
            return False
        return not self.folders or any(folder.holds(collection_id, root, path) for folder in self.folders)

    @property
    def is_whole_collections(self) -> bool:
        """Whether the collections alone decide."""
        return not (self.folders or self.documents or self.own)

    @property
    def whole_collections(self) -> frozenset[int]:
        """Those of which everything is inside, whatever is added to them: what is said of a collection as a whole, its
        runs and jobs and folders, is for these only."""
        return frozenset() if self.folders or self.documents else self.collections

    def narrowed(self, collections: frozenset[int]) -> "Scope":
        """Of these collections only; the conversation's own files stay."""
        return replace(self, collections=self.collections & collections)

    def choosing(self, documents: frozenset[int]) -> "Scope":
        """Of these documents only, none of which becomes readable by being chosen; its own files stay."""
        chosen = self.documents & documents if self.documents else documents
        return replace(self, documents=chosen) if chosen else replace(self, collections=frozenset())


@dataclass(frozen=True)
class ChosenDocument:
    """A document that is asked by itself, with what says later who may know of it, and what it was called."""

    id: int
    collection_id: int
    root: str
    path: str
    title: str

    @property
    def name(self) -> str:
        return self.title or self.path

    def is_in(self, scope: Scope) -> bool:
        """Whether the asker of `scope` may read it."""
        return scope.holds(self.id, self.collection_id, self.root, self.path)


@dataclass(frozen=True)
class Sentence:
    """A sentence of a passage: code points `[start, end)` of the document's text, and its vector."""

    start: int
    end: int
    text: str
    vector: NDArray[np.float32] = field(repr=False, compare=False)  # (dim,), unit length
    heading: str = ""  # heading path, " › " between levels


MOST_PLACES = 100
"""Documents that are named beside one chunk: more are a mistake of who copied them, and no help to who reads."""


@dataclass(frozen=True)
class Place:
    """Where else words of a chunk stand: in another document."""

    document_id: int
    collection_id: int
    root: str
    document: str
    title: str
    page: int | None
    start: int  # code points of that document's text
    end: int
    of_start: int = 0  # code points of the passage's own document: just the words that stand there too
    of_end: int = 0

    def is_in(self, scope: Scope) -> bool:
        """Whether the asker of `scope` may read it."""
        return scope.holds(self.document_id, self.collection_id, self.root, self.document)


def documents_of(places: Iterable[Place]) -> list[Place]:
    """The first place of each document."""
    return list({place.document_id: place for place in reversed(list(places))}.values())[::-1]


@dataclass(frozen=True)
class ChunkSpan:
    """A chunk inside a passage: the same one whatever was searched for."""

    start: int  # code points of the document's text
    end: int
    heading: str  # over its beginning
    prefix: str


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
    root: str = ""  # the absolute folder that was ingested; empty: not known
    also_in: tuple[Place, ...] = ()  # where its chunks' words stand too, of what the asker may read
    chunks: tuple[ChunkSpan, ...] = field(default=(), repr=False, compare=False)  # none where it comes out of a store

    def chunk(self, span: ChunkSpan) -> "Passage":
        """One of its chunks as a passage of its own."""
        return replace(
            self,
            start=span.start,
            end=span.end,
            text=self.text[span.start - self.start : span.end - self.start],
            heading=span.heading,
            prefix=span.prefix,
            sentences=tuple(one for one in self.sentences if span.start <= one.start and one.end <= span.end),
            also_in=tuple(place for place in self.also_in if place.of_start < span.end and span.start < place.of_end),
            chunks=(span,),
        )

    def is_in(self, scope: Scope) -> bool:
        """Whether the asker of `scope` may read it."""
        return scope.holds(self.document_id, self.collection_id, self.root, self.document)

    def seen_by(self, scope: Scope) -> "Passage":
        """The same, without the other places that the asker of `scope` may not read."""
        if all(place.is_in(scope) for place in self.also_in):
            return self
        return replace(self, also_in=tuple(place for place in self.also_in if place.is_in(scope)))

    def also_said_in(self, start: int, end: int) -> list[Place]:
        """The other documents that hold all words [start, end) of this one: of each the first place that holds any."""
        by_document: dict[int, list[Place]] = {}
        for place in self.also_in:
            if place.of_start < end and start < place.of_end:
                by_document.setdefault(place.document_id, []).append(place)
        return [
            min(places, key=lambda place: place.of_start)
            for places in by_document.values()
            if self._is_held(start, end, places)
        ]

    @property
    def partly_in(self) -> list[Place]:
        """The other documents that hold some of its words, and not all."""
        whole = {place.document_id for place in self.also_said_in(self.start, self.end)}
        inside = (place for place in self.also_in if place.of_start < self.end and self.start < place.of_end)
        return [place for place in documents_of(inside) if place.document_id not in whole]

    def _is_held(self, start: int, end: int, places: Iterable[Place]) -> bool:
        """Whether the words [start, end) stand in these places together: nothing is said between them."""
        at = start
        for place in sorted(places, key=lambda place: place.of_start):
            if not self._says_nothing(at, min(place.of_start, end)):
                return False
            at = max(at, place.of_end)
        return self._says_nothing(at, end)

    def _says_nothing(self, start: int, end: int) -> bool:
        if start >= end:
            return True
        inside = self.start <= start and end <= self.start + len(self.text)
        return inside and not any(statements(self.text[start - self.start : end - self.start], ()))


@dataclass(frozen=True)
class WholeDocument:
    """What was read of a document, a chunk a passage."""

    passages: tuple[Passage, ...]  # in reading order, numbered from 1
    centre: NDArray[np.float32]  # (dim,), unit length: the mean of all its chunks, of those not read too
    read: int  # characters of the passages
    total: int  # characters of all chunks


@dataclass(frozen=True)
class Retrieved:
    """Passages in rank order, and what the question was turned into, so that sentences are scored alike."""

    passages: tuple[Passage, ...]
    vector: NDArray[np.float32]  # (dim,): mean of the question's vectors, history mixed in
    terms: dict[str, float]  # search terms and how much each tells (idf; less where only the history has it)
    searched: str = ""  # what was searched for where that is not the question: it cut, its misspelt words mended
    together_with: str = ""  # the questions before it, the newest first, where their scores were mixed in
    question: str = ""  # as it was searched for, without the one before it
    wide: tuple[
        Passage, ...
    ] = ()  # the passages with what stands beside them, by document and place; empty: not looked
    sides: tuple[
        "Retrieved", ...
    ] = ()  # of a comparison, or a question of several parts: what was found for each alone

    @property
    def reading(self) -> tuple[Passage, ...]:
        """What an answer is read from: the passages with what stands beside them."""
        return self.wide or self.passages
