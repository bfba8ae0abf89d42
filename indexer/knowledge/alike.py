"""Documents with the same words, and with nearly the same: found by signatures, without comparing each with each.

A signature is a hash of the folded text, and a MinHash of its pairs of words (Broder, 1997): of two documents as large
a share of its numbers is the same as of their pairs. It is cut into bands, by which the database finds what is worth
comparing (locality-sensitive hashing; Indyk and Motwani, 1998): of documents that share .8 of their pairs .99 share a
band, of those that share .5 a fifth, of those that share .2 one in a thousand.

It tells people of copies. What a search leaves out is decided by the words that it has found: indexer.search.copies.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import sqlalchemy
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Engine, exists, func, true
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from indexer.knowledge.readable import is_one_of, readable_documents
from indexer.knowledge.tables import Document, Signature, SignatureBand
from indexer.passages import Scope
from indexer.text.folding import folded_lines
from indexer.text.terms import words

FORM = "1"
"""Raised whenever the same text would have another signature."""
BANDS, ROWS = 16, 6
NEARLY = 0.7
"""Share of pairs from which documents are nearly the same: a page of twenty words whose date was changed has .74."""
AT_ONCE = 4_096  # pairs of words; the numbers of each are 400 bytes while they are made
SIGNED_AT_ONCE = 100  # documents a commit
NAMED = 5  # other documents that are named; the rest is counted
COMPARED = 200  # documents with other words that one is compared with: those that share most bands with it


@dataclass(frozen=True)
class Other:
    """A document that is like another one."""

    id: int
    collection_id: int
    path: str


@dataclass(frozen=True)
class Alike:
    """What is like a document, of what the asker may read; at most NAMED of each kind are named."""

    same: tuple[Other, ...] = ()
    more_same: int = 0  # that are not named
    nearly: tuple[Other, ...] = ()
    more_nearly: int = 0
    is_cut: bool = False  # there may be more than these: more than COMPARED documents share a band with it


def sign(session: Session, document_id: int, text: str, *, is_new: bool = False) -> None:
    """Write the document's signature, in place of an older one where it is not new. SQL as it is: 17 rows a document,
    .5 ms."""
    numbers = minhash(text)
    connection = session.connection()
    if not is_new:
        connection.exec_driver_sql("DELETE FROM signature WHERE document_id = ?", (document_id,))
        connection.exec_driver_sql("DELETE FROM signature_band WHERE document_id = ?", (document_id,))
    connection.exec_driver_sql(
        "INSERT INTO signature (document_id, form, words, minhash) VALUES (?, ?, ?, ?)",
        (document_id, FORM, same_words(text), numbers.tobytes()),
    )
    connection.exec_driver_sql(
        "INSERT INTO signature_band (document_id, value) VALUES (?, ?)",
        [(document_id, value) for value in set(bands(numbers))],
    )


def sign_unsigned(engine: Engine) -> int:
    """Sign the documents that an older Docent put there; how many. The caller is the one who writes."""
    signed = select(Signature.document_id).where(Signature.form == FORM)
    with Session(engine) as session:
        ids = session.exec(select(Document.id).where(col(Document.id).not_in(signed))).all()
        for first in range(0, len(ids), SIGNED_AT_ONCE):
            for id_ in ids[first : first + SIGNED_AT_ONCE]:
                text = session.exec(select(Document.text).where(Document.id == id_)).first()
                if id_ is not None and text is not None:
                    sign(session, id_, text)
            session.commit()
    return len(ids)


def same_words(text: str) -> bytes:
    """Equal for texts that differ in white space, case, bullets and typography alone: 16 bytes."""
    return hashlib.blake2b(folded_lines(text).encode("utf-8", "replace"), digest_size=16).digest()


def minhash(text: str) -> NDArray[np.uint32]:
    """Of the text's pairs of words: uint32 (BANDS * ROWS,)."""
    made = _no_pairs().copy()
    found = words(text)
    pairs = [pair.encode("utf-8", "replace") for pair in {f"{a} {b}" for a, b in pairwise(found)} or set(found)]
    for first in range(0, len(pairs), AT_ONCE):
        made.update_batch(pairs[first : first + AT_ONCE])
    return np.asarray(made.hashvalues, np.uint32)


@cache
def _no_pairs() -> Any:
    from datasketch import MinHash  # 1.6 s, most of it SciPy: only who indexes waits for it

    return MinHash(num_perm=BANDS * ROWS, seed=1, scheme="affine32")


def bands(numbers: NDArray[np.uint32]) -> Iterator[int]:
    """Of a MinHash, BANDS numbers of 64 bits."""
    for place, band in enumerate(numbers.reshape(BANDS, ROWS)):
        digest = hashlib.blake2b(band.tobytes(), digest_size=8, salt=place.to_bytes(2, "little")).digest()
        yield int.from_bytes(digest, "little", signed=True)


def alike(session: Session, document_ids: Iterable[int], scope: Scope) -> dict[int, Alike]:
    """What is like each of these documents, for those of which anything is. Nothing outside the scope is named, counted
    or takes the place of what is inside."""
    asked = session.exec(select(Signature).where(is_one_of(Signature.document_id, document_ids))).all()
    kinds = {one.words: one for one in asked}
    same = _same(session, col(Signature.words).in_(kinds), scope)
    nearly = _nearly(session, kinds, scope)
    found = {}
    for one in asked:
        others = [other for other in same.get(one.words, ()) if other.id != one.document_id]
        near, is_cut = nearly[one.words]
        if one.document_id is not None and (others or near):
            found[one.document_id] = Alike(
                tuple(others[:NAMED]), len(others[NAMED:]), tuple(near[:NAMED]), len(near[NAMED:]), is_cut
            )
    return found


def same_groups(session: Session, scope: Scope) -> list[list[Other]]:
    """The readable documents that say the same as another one that is readable too, together."""
    return [group for group in _same(session, true(), scope).values() if len(group) > 1]


def _same(session: Session, wanted: ColumnElement[bool], scope: Scope) -> dict[bytes, list[Other]]:
    """The readable documents of each wanted kind of words that several have."""
    several = select(Signature.words).where(wanted).group_by(col(Signature.words)).having(func.count() > 1)
    rows = session.exec(
        select(Signature.words, Document.id, Document.collection_id, Document.path)
        .join(Document)
        .where(col(Signature.words).in_(several), readable_documents(scope))
        .order_by(col(Document.path), col(Document.id))
    )
    found: dict[bytes, list[Other]] = {}
    for kind, id_, collection_id, path in rows:
        found.setdefault(kind, []).append(Other(id_ or 0, collection_id, path))
    return found


def _nearly(session: Session, kinds: Mapping[bytes, Signature], scope: Scope) -> dict[bytes, tuple[list[Other], bool]]:
    """For each kind of words the readable documents that have nearly these, and not just these; whether there were
    more to compare than were compared."""
    worth = set(session.connection().execute(_SHARE_BANDS, {"ids": json.dumps(_ids(kinds.values()))}).scalars())
    beside = {kind: _beside(session, one, scope) for kind, one in kinds.items() if one.document_id in worth}
    rows = session.execute(
        sqlalchemy.select(*map(col, (Signature.minhash, Document.id, Document.collection_id, Document.path)))
        .join(Document)
        .where(is_one_of(Document.id, {id_ for ids in beside.values() for id_ in ids if id_ is not None}))
    )
    known = {row.id: (row, np.frombuffer(row.minhash, np.uint32)) for row in rows}
    nearly: dict[bytes, tuple[list[Other], bool]] = {}
    for kind, one in kinds.items():
        numbers = np.frombuffer(one.minhash, np.uint32)
        ids = beside.get(kind, ())
        found = [
            Other(row.id, row.collection_id, row.path)
            for row, others in (known[id_] for id_ in ids[:COMPARED] if id_ in known)
            if np.mean(others == numbers) >= NEARLY
        ]
        nearly[kind] = sorted(found, key=lambda other: (other.path, other.id)), len(ids) > COMPARED
    return nearly


_SHARE_BANDS = sqlalchemy.text(
    "SELECT DISTINCT own.document_id FROM signature_band AS own WHERE own.document_id IN (SELECT value FROM "
    "json_each(:ids)) AND EXISTS (SELECT 1 FROM signature_band AS others WHERE others.value = own.value "
    "AND others.document_id != own.document_id)"
)
"""Most documents share none with any: 200 take 10 ms so, and by themselves 500."""


def _ids(signatures: Iterable[Signature]) -> list[int]:
    return [one.document_id for one in signatures if one.document_id is not None]


def _beside(session: Session, one: Signature, scope: Scope) -> Sequence[int | None]:
    """The readable documents with other words that share a band with it, those that share most first; one more than
    COMPARED, if there are more. The bands come first: SQLite would go through all readable documents, if it were a
    join."""
    own, others = aliased(SignatureBand), aliased(SignatureBand)
    readable = exists().where(col(Document.id) == others.document_id, readable_documents(scope))
    differs = exists().where(
        col(Signature.document_id) == others.document_id,
        col(Signature.words) != one.words,
        col(Signature.form) == one.form,
    )
    beside = (
        select(others.document_id)
        .join(own, col(own.value) == others.value)
        .where(own.document_id == one.document_id, differs, readable)
        .group_by(col(others.document_id))
        .order_by(func.count().desc(), col(others.document_id))
        .limit(COMPARED + 1)
    )
    return session.exec(beside).all()
