"""Which files of the ledger a page asks for, as conditions of a query."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, not_, or_
from sqlmodel import col

from indexer.documents.extract.formats import UNREAD_KINDS
from indexer.knowledge.readable import is_file_of, readable_files
from indexer.knowledge.tables import Document, LedgerEntry
from indexer.passages import Scope


@dataclass(frozen=True)
class FileQuery:
    """Which files a page asks for, and in which order. Unknown words for `sort` and `state` mean the default."""

    state: str = ""  # indexed | skipped | failed | needs_ocr | waiting | deleted; empty: all but deleted
    collection: int = 0  # 0: all
    search: str = ""  # stands in the title or the path
    reason: str = ""  # exactly this one
    without_unread_kinds: bool = False  # without the files that are of a kind that is not read
    sort: str = ""  # a key of catalog.SORTS; empty: what needs somebody first
    descending: bool = False
    offset: int = 0
    limit: int = 200


OF_UNREAD_KIND = and_(
    col(LedgerEntry.state) == "skipped", or_(*(col(LedgerEntry.reason).startswith(words) for words in UNREAD_KINDS))
)
"""A file that was skipped for its kind alone."""


def asked_for(query: FileQuery, scope: Scope) -> list[ColumnElement[bool]]:
    """Entries of the ledger that are on one of the pages of a query."""
    deleted = col(LedgerEntry.deleted_at)
    wanted = [*searched_for(query, scope), deleted.is_not(None) if query.state == "deleted" else deleted.is_(None)]
    if query.state and query.state != "deleted":
        wanted.append(col(LedgerEntry.state) == query.state)
    if query.reason:
        wanted.append(col(LedgerEntry.reason) == query.reason)
    if query.without_unread_kinds:
        wanted.append(not_(OF_UNREAD_KIND))
    return wanted


def searched_for(query: FileQuery, scope: Scope) -> list[ColumnElement[bool]]:
    """The same whatever their state: of its collection, with its words in the title or the path."""
    wanted: list[ColumnElement[bool]] = [readable_files(scope)]
    if query.collection:
        wanted.append(col(LedgerEntry.collection_id) == query.collection)
    if query.search:
        in_path = col(LedgerEntry.path).icontains(query.search, autoescape=True)
        in_title = col(Document.title).icontains(query.search, autoescape=True)
        wanted.append(or_(in_path, is_file_of(in_title)))
    return wanted
