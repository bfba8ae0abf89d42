"""Where else the words of found chunks stand, of what the asker may read."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import sqlalchemy
from sqlmodel import Session, col

from indexer.knowledge.readable import is_one_of
from indexer.knowledge.tables import Chunk
from indexer.passages import Place, Scope
from indexer.search.found import FoundChunk, readable_places
from indexer.search.view import View

MOST_PLACES = 100
"""Documents that are named beside one chunk: more are a mistake of who copied them, and no help to who reads."""
READ_AT_ONCE = 200
"""Of one chunk's copies. Of 6,000 that may be read the first 200 are enough; where others are hidden, more are read."""


def other_places(
    session: Session, view: View, found: Sequence[FoundChunk], copies: Mapping[int, Sequence[FoundChunk]]
) -> dict[int, list[Place]]:
    """By chunk: its words' places in other documents. `copies` are those among the found ones, each of which may stand
    in more places again. The scope of the view is checked in the database: what it hides is neither named nor counted.
    """
    known = {one.id: [one, *copies.get(one.id, ())] for one in found}
    equal = view.copies([copy.id for all_ in known.values() for copy in all_])
    wanted = {
        one.id: list(
            dict.fromkeys(id_ for copy in known[one.id] for id_ in (copy.id, *equal.get(copy.id, ())) if id_ != one.id)
        )
        for one in found
    }
    places: dict[int, dict[int, Place]] = {one.id: {} for one in found}  # of each, by document
    for first in itertools.count(step=READ_AT_ONCE):
        next_ = {
            one.id: wanted[one.id][first : first + READ_AT_ONCE] for one in found if len(places[one.id]) < MOST_PLACES
        }
        ids = {id_ for some in next_.values() for id_ in some}
        if not ids:
            break
        read = _read(session, ids, view.scope)
        for one in found:
            for place in (read[id_] for id_ in next_.get(one.id, ()) if id_ in read):
                if place.document_id != one.chunk.document_id:
                    places[one.id].setdefault(place.document_id, place)
    return {one.id: _in_order(one, places[one.id].values()) for one in found}


def _in_order(found: FoundChunk, places: Iterable[Place]) -> list[Place]:
    """The first of them, by their paths."""
    first = sorted(list(places)[:MOST_PLACES], key=lambda place: (place.document, place.document_id))
    return [replace(place, of_start=found.chunk.start, of_end=found.chunk.end) for place in first]


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
