"""Which documents are meant where some are chosen to be asked: by id, by path, or by words of their titles.

One that the asker may not read is nowhere, as one that does not exist.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Engine
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from indexer.knowledge.file_query import FileQuery, asked_for
from indexer.knowledge.readable import is_one_of, readable_documents, same_file
from indexer.knowledge.tables import Document, LedgerEntry
from indexer.passages import ChosenDocument, Scope

MOST_DOCUMENTS = 20
"""Documents that a question can be asked of by name: who means more means a collection."""

_PLACE = (
    col(Document.id),
    col(Document.collection_id),
    col(Document.root),
    col(Document.path),
    col(Document.title),
)


def documents_with(engine: Engine, ids: Iterable[int], scope: Scope) -> list[ChosenDocument]:
    """The readable ones of these ids, in their order, each once."""
    wanted = list(dict.fromkeys(ids))
    with Session(engine) as session:
        found = {document.id: document for document in _read(session, wanted, scope)}
    return [found[id_] for id_ in wanted if id_ in found]


def documents_named(engine: Engine, names: Sequence[int | str], scope: Scope) -> dict[int | str, list[ChosenDocument]]:
    """The readable documents that each name stands for: an id, or a path as the ledger has it, which several folders
    may hold. A name that stands for none has an empty list."""
    paths = {name for name in names if isinstance(name, str)}
    with Session(engine) as session:
        at_paths = select(Document.id).where(col(Document.path).in_(paths))  # by an index that covers it
        ids = {id_ for id_ in session.exec(at_paths) if id_ is not None} if paths else set()
        ids |= {name for name in names if isinstance(name, int)}
        found = _read(session, ids, scope)
    return {name: [one for one in found if name in (one.id, one.path)] for name in dict.fromkeys(names)}


def find_documents(engine: Engine, words: str, scope: Scope, limit: int) -> list[ChosenDocument]:
    """At most `limit` readable documents whose title or path holds `words`, by path; all where there are no words."""
    listed = (
        columns(*_PLACE)
        .select_from(LedgerEntry)
        .join(Document, same_file())
        .where(*asked_for(FileQuery(search=words), scope))
        .order_by(col(LedgerEntry.path).collate("NOCASE"), col(LedgerEntry.id))
        .limit(limit)
    )
    with Session(engine) as session:
        return [ChosenDocument(*row) for row in session.execute(listed)]


def _read(session: Session, ids: Iterable[int], scope: Scope) -> list[ChosenDocument]:
    wanted = columns(*_PLACE).where(is_one_of(Document.id, ids), readable_documents(scope))
    return [ChosenDocument(*row) for row in session.execute(wanted.order_by(col(Document.id)))]
