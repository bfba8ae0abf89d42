"""The chunks that a search found, read from the database, and the passages made of them and of what stands beside."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import sqlalchemy
from sqlalchemy import func
from sqlmodel import Session, col, select

from indexer.embed import Vectors
from indexer.knowledge.readable import is_one_of
from indexer.knowledge.tables import Chunk, Document, known_id
from indexer.passages import ChunkSpan, Passage, Place, Scope, Sentence
from indexer.search.fuse import sentence_scores
from indexer.search.overlap import QuestionWords, TextWords

AROUND_DOCUMENTS = 5
"""Documents, best first, of which what stands beside the passages is looked at too."""
AROUND = 2
"""Chunks before and after a found one. Of 39 employees' questions evidence of some 620 tokens holds all facts for .821
with it, .718 without; 3 chunks beside those of three documents .795, whole documents .821."""
AROUND_SHARE = 0.8
"""Of the score of the passage that it stands beside, where it stands on another page."""
LONGEST_RUN = 7
"""Chunks of one such passage, some 1,400 tokens: each turn of a conversation keeps the passages that it has shown."""


@dataclass(frozen=True)
class FoundChunk:
    """A chunk that was found, with what is needed of its document."""

    chunk: Chunk
    collection_id: int
    root: str
    path: str
    title: str

    @property
    def id(self) -> int:
        return known_id(self.chunk)

    @cached_property
    def vector(self) -> Vectors:
        return np.frombuffer(self.chunk.vector, np.float32)

    @cached_property
    def sentence_vectors(self) -> Vectors:
        stored = np.frombuffer(self.chunk.sentence_vectors, np.float16)
        return stored.reshape(-1, len(self.vector)).astype(np.float32)

    @property
    def sentences(self) -> list[Sentence]:
        spans = np.frombuffer(self.chunk.sentences, np.int32).reshape(-1, 2).tolist()
        at = self.chunk.start
        return [
            Sentence(start, end, self.chunk.body[start - at : end - at], vector, self._heading(start))
            for (start, end), vector in zip(spans, self.sentence_vectors, strict=True)
        ]

    @cached_property
    def _sentence_words(self) -> list[TextWords]:
        """Those of each sentence and, since they are said of it too, of the prefix."""
        prefix = TextWords.of(self.chunk.prefix)
        spans = np.frombuffer(self.chunk.sentences, np.int32).reshape(-1, 2) - self.chunk.start
        return [prefix | TextWords.of(self.chunk.body[start:end]) for start, end in spans.tolist()]

    def best_sentence(self, asked: QuestionWords, vector: Vectors) -> float:
        """The score of the sentence that comes nearest; 0 for a heading alone."""
        overlap = np.array([asked.share_in(words) for words in self._sentence_words], np.float32)
        return float(max(sentence_scores(self.sentence_vectors @ vector, overlap), default=0.0))

    def best_heading(self, vector: Vectors) -> str:
        """The heading over the sentence that is nearest to the vector."""
        starts = np.frombuffer(self.chunk.sentences, np.int32).reshape(-1, 2)[:, 0]
        if not len(starts):
            return self._heading(self.chunk.start)
        return self._heading(int(starts[np.argmax(self.sentence_vectors @ vector)]))

    @property
    def first_heading(self) -> str:
        """The heading over its beginning."""
        return self._heading(self.chunk.start)

    @property
    def span(self) -> ChunkSpan:
        return ChunkSpan(self.chunk.start, self.chunk.end, self.first_heading, self.chunk.prefix)

    @cached_property
    def _sections(self) -> list[tuple[int, str]]:
        return [(start, heading) for start, heading in json.loads(self.chunk.sections)]

    def _heading(self, at: int) -> str:
        return next((heading for start, heading in reversed(self._sections) if start <= at), "")


_PLACE = tuple(map(col, (Document.id, Document.collection_id, Document.root, Document.path, Document.title)))
"""What a passage says of its document. SQLModel's own `select` takes four columns."""


def load_chunks(session: Session, chunk_ids: Sequence[int], scope: Scope) -> list[FoundChunk]:
    """The chunks in the given order; the scope is checked once more in the database. Whole texts stay on disk.

    Two reads, since SQLite goes through every document of the collection for one that joins: 35 ms at 5,000 documents.
    """
    chunks = {chunk.id: chunk for chunk in session.exec(select(Chunk).where(col(Chunk.id).in_(chunk_ids)))}
    readable = readable_places(session, {chunk.document_id for chunk in chunks.values()}, scope)
    found = [(chunks[id_], readable.get(chunks[id_].document_id)) for id_ in chunk_ids if id_ in chunks]
    return [
        FoundChunk(chunk, row.collection_id, row.root, row.path, row.title) for chunk, row in found if row is not None
    ]


def readable_places(session: Session, document_ids: set[int], scope: Scope) -> dict[int, Any]:
    """`_PLACE` of those documents that are there and inside the scope, by id."""
    rows = session.connection().execute(
        sqlalchemy.select(*_PLACE).where(is_one_of(Document.id, document_ids), col(Document.deleted_at).is_(None))
    )
    return {row.id: row for row in rows if scope.holds(row.id, row.collection_id, row.root, row.path)}


def to_passage(
    session: Session,
    rank: int,
    group: list[FoundChunk],
    scores: dict[int, float],
    cosines: dict[int, float],
    vector: Vectors,
    places: Mapping[int, Sequence[Place]],
) -> Passage:
    """Of a group's chunks, the best first; `places` are where each one's words stand too, by its id."""
    best = group[0]
    ordered = sorted(group, key=lambda found: found.chunk.ordinal)
    chunks = [found.chunk for found in ordered]
    start, end = chunks[0].start, chunks[-1].end
    return Passage(
        rank=rank,
        score=max(0.0, *(scores[known_id(chunk)] for chunk in chunks)),
        cosine=max(cosines[known_id(chunk)] for chunk in chunks),
        document_id=best.chunk.document_id,
        collection_id=best.collection_id,
        document=best.path,
        title=best.title,
        heading=best.best_heading(vector),
        page=best.chunk.page,
        start=start,
        end=end,
        text=chunks[0].body if len(chunks) == 1 else _excerpt(session, best.chunk.document_id, start, end),
        prefix=chunks[0].prefix,
        sentences=tuple(sentence for found in ordered for sentence in found.sentences),
        root=best.root,
        also_in=tuple(place for found in group for place in places.get(found.id, ())),
        chunks=tuple(found.span for found in ordered),
    )


def _excerpt(session: Session, document_id: int, start: int, end: int) -> str:
    """`document.text[start:end]`, cut by SQLite, which counts code points as Python does."""
    excerpt = func.substr(Document.text, start + 1, end - start)
    return session.exec(select(excerpt).where(Document.id == document_id)).first() or ""


def widen(
    session: Session,
    groups: Sequence[Sequence[FoundChunk]],
    passages: Sequence[Passage],
    places: Mapping[int, Sequence[Place]],
    places_of: Callable[[Sequence[FoundChunk]], Mapping[int, Sequence[Place]]],
) -> tuple[Passage, ...]:
    """The passages of the first documents with what stands beside them, by document and place; `groups` are their
    chunks, `places` where the words of each stand too, and `places_of` says it of those beside them. What stands on
    another page is a passage of its own.

    The words that a question asks for often stand a few lines from those that it is found by.
    """
    documents = list(dict.fromkeys(passage.document_id for passage in passages))
    beside: dict[int, tuple[FoundChunk, Passage]] = {}  # chunk id -> what was found that it stands beside
    for group, passage in zip(groups, passages, strict=True):
        reach = AROUND if passage.document_id in documents[:AROUND_DOCUMENTS] else 0
        for found in group:
            for id_ in range(found.id - reach, found.id + reach + 1):  # a document's chunks were numbered in a row
                beside.setdefault(id_, (found, passage))
    own = {found.id: (found, passage) for group, passage in zip(groups, passages, strict=True) for found in group}
    beside |= own
    chunks = session.exec(select(Chunk).where(col(Chunk.id).in_(beside))).all()
    stand_beside = [
        (replace(found, chunk=chunk), passage)
        for chunk in chunks
        for found, passage in [beside[known_id(chunk)]]
        if (chunk.document_id, chunk.generation) == (passage.document_id, found.chunk.generation)
    ]
    stand_beside.sort(key=lambda one: (documents.index(one[1].document_id), one[0].chunk.ordinal))
    places = {**places, **places_of([found for found, _ in stand_beside if found.id not in own])}
    return tuple(_wide(session, run, own, places) for run in _runs(stand_beside))


def _runs(chunks: Sequence[tuple[FoundChunk, Passage]]) -> list[list[tuple[FoundChunk, Passage]]]:
    """Chunks that follow each other on a page, at most `LONGEST_RUN` together."""
    runs: list[list[tuple[FoundChunk, Passage]]] = []
    for found, passage in chunks:
        last = runs[-1][-1][0].chunk if runs else None
        continues = (
            last is not None
            and len(runs[-1]) < LONGEST_RUN
            and (last.document_id, last.page, last.ordinal + 1)
            == (found.chunk.document_id, found.chunk.page, found.chunk.ordinal)
        )
        if continues:
            runs[-1].append((found, passage))
        else:
            runs.append([(found, passage)])
    return runs


def _wide(
    session: Session,
    run: Sequence[tuple[FoundChunk, Passage]],
    own: Mapping[int, tuple[FoundChunk, Passage]],
    places: Mapping[int, Sequence[Place]],
) -> Passage:
    """A passage of all the chunks of a run; `own` are those that the search found."""
    inside = [passage for found, passage in run if found.id in own]
    best = max(inside or [passage for _, passage in run], key=lambda passage: passage.score)
    first, last = run[0][0], run[-1][0]
    start, end = first.chunk.start, last.chunk.end
    text = first.chunk.body if first is last else _excerpt(session, first.chunk.document_id, start, end)
    return replace(
        best,
        score=best.score if inside else AROUND_SHARE * best.score,
        cosine=best.cosine if inside else 0.0,
        heading=best.heading if inside else first.first_heading,
        page=first.chunk.page,
        start=start,
        end=end,
        text=text,
        prefix=first.chunk.prefix,
        also_in=_joined((place for found, _ in run for place in places.get(found.id, ())), text, start),
        sentences=tuple(sentence for found, _ in run for sentence in found.sentences),
        chunks=tuple(found.span for found, _ in run),
    )


def _joined(places: Iterable[Place], text: str, at: int) -> tuple[Place, ...]:
    """Places that follow each other here and there as one, since a turn keeps them all. `text` stands at `at`."""
    joined: list[Place] = []
    last: dict[int, int] = {}  # of each document
    for place in places:
        number = last.get(place.document_id, len(joined))
        if number < len(joined):
            before = joined[number]
            between = place.of_start - before.of_end
            nothing = between >= 0 and not text[before.of_end - at : place.of_start - at].strip()
            if nothing and (before.page, before.end + between) == (place.page, place.start):
                joined[number] = replace(before, end=place.end, of_end=place.of_end)
                continue
        last[place.document_id] = len(joined)
        joined.append(place)
    return tuple(joined)
