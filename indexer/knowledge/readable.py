"""Scopes for a database: which documents and which files of the ledger an asker may read, as conditions of a query.

The same as `Scope.holds`, which is for rows that are read already.
"""

from sqlalchemy import ColumnElement, and_, exists, or_, true
from sqlmodel import col

from indexer.knowledge.tables import Document, LedgerEntry
from indexer.passages import Folder, Scope

Columns = type[Document] | type[LedgerEntry]


def readable_documents(scope: Scope) -> ColumnElement[bool]:
    """Documents inside the scope, those that were deleted by hand left out."""
    chosen = col(Document.id).in_(scope.documents) if scope.documents else true()
    inside = and_(_granted(Document, scope), chosen)
    return and_(or_(inside, col(Document.id).in_(scope.own)) if scope.own else inside, _is_kept(Document))


def readable_files(scope: Scope) -> ColumnElement[bool]:
    """Entries of the ledger inside the scope, those that were deleted by hand among them."""
    inside = _granted(LedgerEntry, scope)
    if scope.documents:
        inside = and_(inside, _is_file_of(scope.documents))
    return or_(inside, _is_file_of(scope.own)) if scope.own else inside


def same_file() -> ColumnElement[bool]:
    """Whether a document is that of an entry of the ledger."""
    return and_(
        col(Document.collection_id) == LedgerEntry.collection_id,
        col(Document.root) == LedgerEntry.root,
        col(Document.path) == LedgerEntry.path,
    )


def _granted(table: Columns, scope: Scope) -> ColumnElement[bool]:
    """By collection and folder alone."""
    granted = col(table.collection_id).in_(scope.collections)
    if not scope.folders:
        return granted
    return and_(granted, or_(*(_below(table, folder) for folder in scope.folders)))


def _below(table: Columns, folder: Folder) -> ColumnElement[bool]:
    """By comparison, since SQLite's LIKE takes "HR/" for "hr/"; "0" is what follows "/"."""
    path = col(table.path)
    return and_(col(table.collection_id) == folder.collection_id, path >= f"{folder.path}/", path < f"{folder.path}0")


def _is_file_of(documents: frozenset[int]) -> ColumnElement[bool]:
    return exists().where(same_file(), col(Document.id).in_(documents)).correlate(LedgerEntry)


def _is_kept(table: Columns) -> ColumnElement[bool]:
    return col(table.deleted_at).is_(None)
