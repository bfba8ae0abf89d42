"""Scopes for a database: which documents and which files of the ledger an asker may read, as conditions of a query.

The same as `Scope.holds`, which is for rows that are read already. A set of ids is one parameter of a query, however
many there are: SQLite takes no more than 32,766.
"""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, column, func, or_, true, tuple_
from sqlmodel import col, select

from indexer.knowledge.tables import Document, LedgerEntry
from indexer.passages import Folder, Scope

Columns = type[Document] | type[LedgerEntry]


def readable_documents(scope: Scope) -> ColumnElement[bool]:
    """Documents inside the scope, those that were deleted by hand left out."""
    chosen = is_one_of(Document.id, scope.documents) if scope.documents else true()
    inside = and_(_granted(Document, scope), chosen)
    return and_(or_(inside, is_one_of(Document.id, scope.own)) if scope.own else inside, _is_kept(Document))


def readable_files(scope: Scope) -> ColumnElement[bool]:
    """Entries of the ledger inside the scope, those that were deleted by hand among them."""
    inside = _granted(LedgerEntry, scope)
    if scope.documents:
        inside = and_(inside, is_file_of(is_one_of(Document.id, scope.documents)))
    return or_(inside, is_file_of(is_one_of(Document.id, scope.own))) if scope.own else inside


def same_file() -> ColumnElement[bool]:
    """Whether a document is that of an entry of the ledger."""
    return and_(
        col(Document.collection_id) == LedgerEntry.collection_id,
        col(Document.root) == LedgerEntry.root,
        col(Document.path) == LedgerEntry.path,
    )


def is_file_of(wanted: ColumnElement[bool]) -> ColumnElement[bool]:
    """Entries of the ledger whose document is `wanted`. The documents are looked for once, not for each entry."""
    documents = select(Document.collection_id, Document.root, Document.path).where(wanted).correlate(None)
    return tuple_(col(LedgerEntry.collection_id), col(LedgerEntry.root), col(LedgerEntry.path)).in_(documents)


def is_one_of(ids: Any, chosen: Iterable[int]) -> ColumnElement[bool]:
    """Whether the column `ids` has one of these numbers, of which there may be any number."""
    listed = func.json_each(json.dumps(sorted(chosen))).table_valued(column("value", Integer))
    return col(ids).in_(select(listed.c.value))


def _granted(table: Columns, scope: Scope) -> ColumnElement[bool]:
    """By collection and folder alone."""
    granted = is_one_of(table.collection_id, scope.collections)
    if not scope.folders:
        return granted
    return and_(granted, or_(*(_below(table, folder) for folder in scope.folders)))


def _below(table: Columns, folder: Folder) -> ColumnElement[bool]:
    """By comparison, since SQLite's LIKE takes "HR/" for "hr/"; "0" is what follows "/"."""
    path = col(table.path)
    root = and_(col(table.collection_id) == folder.collection_id, col(table.root) == folder.root)
    return and_(root, path >= f"{folder.path}/", path < f"{folder.path}0") if folder.path else root


def _is_kept(table: Columns) -> ColumnElement[bool]:
    return col(table.deleted_at).is_(None)
