"""Where else the words of found chunks stand, of what the asker may read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import sqlalchemy
from sqlmodel import Session, col

from indexer.knowledge.readable import is_one_of
from indexer.knowledge.tables import Chunk
from indexer.passages import MOST_PLACES, Place, Scope
from indexer.search.copies import Copy
from indexer.search.found import FoundChunk, readable_places
from indexer.search.view import View

READ_FIRST = MOST_PLACES
"""Of one chunk's copies. Of 6,000 that may be read these are enough; where some are hidden, twice as many are next."""


def other_places(
    session: Session, view: View, found: Sequence[FoundChunk], copies: Mapping[int, Sequence[Copy]]
) -> dict[int, list[Place]]:
    """By chunk: its words' places in other documents. `copies` are those among the found ones, each of which may stand
    in more places again. The scope of the view is checked in the database: what it hides is neither named nor counted.
    """
    equal = view.copies([one.id for one in found] + [copy.found.id for one in found for copy in copies.get(one.id, ())])
    told = {one.id: _Places(one, equal, copies.get(one.id, ())) for one in found}
    first, count = 0, READ_FIRST
    while ids := {id_ for one in told.values() for id_ in one.wanted(first, count)}:
        read = _read(session, ids, view.scope)
        for one in told.values():
            one.take([(id_, read[id_]) for id_ in one.wanted(first, count) if id_ in read])
        first, count = first + count, 2 * count
    return {id_: one.in_order() for id_, one in told.items()}


class _Places:
    """Those of one chunk's words, the first of each document."""

    def __init__(self, found: FoundChunk, equal: Mapping[int, Sequence[int]], copies: Sequence[Copy]) -> None:
        self._own = found.chunk.document_id
        whole: tuple[tuple[int, int], ...] = ((found.chunk.start, found.chunk.end),)
        self._said = dict.fromkeys(equal.get(found.id, ()), whole)  # by chunk, what it says of this one
        for copy in copies:
            for id_ in (copy.found.id, *equal.get(copy.found.id, ())):
                self._said.setdefault(id_, copy.spans)
        self._ids = list(self._said)
        self._found: dict[int, list[Place]] = {}  # by document

    def wanted(self, first: int, count: int) -> list[int]:
        """The next chunks to read; none as soon as enough documents are known."""
        return self._ids[first : first + count] if len(self._found) < MOST_PLACES else []

    def take(self, read: Iterable[tuple[int, Place]]) -> None:
        for id_, place in read:
            if place.document_id == self._own:
                continue
            known = self._found.setdefault(place.document_id, [])
            for start, end in self._said[id_]:
                if not any(other.of_start <= start and end <= other.of_end for other in known):
                    known.append(replace(place, of_start=start, of_end=end))

    def in_order(self) -> list[Place]:
        """The places in the first documents, by their paths."""
        first = [places for places in self._found.values() if places][:MOST_PLACES]
        first.sort(key=lambda places: (places[0].document, places[0].document_id))
        return [place for places in first for place in places]


def _read(session: Session, chunk_ids: set[int], scope: Scope) -> dict[int, Place]:
    """Where chunks stand whose documents are inside the scope, by the chunks' ids."""
    own = (col(Chunk.id), col(Chunk.document_id), col(Chunk.page), col(Chunk.start), col(Chunk.end))
    chunks = session.connection().execute(sqlalchemy.select(*own).where(is_one_of(Chunk.id, chunk_ids))).all()
    documents = readable_places(session, {chunk.document_id for chunk in chunks}, scope)
    return {
        chunk.id: Place(row.id, row.collection_id, row.root, row.path, row.title, chunk.page, chunk.start, chunk.end)
        for chunk in chunks
        for row in [documents.get(chunk.document_id)]
        if row is not None
    }
