"""`indexer status`: what is indexed, and what could not be read and why."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from indexer.console import inert
from indexer.knowledge.catalog import Catalog, CollectionSummary
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import LedgerEntry
from indexer.settings import IndexerSettings

Unread = tuple[str, LedgerEntry]  # a collection's name, a file of it that is not indexed


def run(as_json: bool) -> None:
    settings = IndexerSettings()
    catalog = Catalog(open_knowledge(settings))
    scope = catalog.everything()
    collections, chunks = catalog.collections(scope), catalog.count_chunks(scope)
    unread = [(name, entry) for name, entry in catalog.ledger(scope) if entry.state != "indexed"]
    names = catalog.names(scope)
    same = [[(names[one.collection_id], one.path) for one in group] for group in catalog.same_groups(scope)]
    if as_json:
        groups = [[{"collection": name, "document": path} for name, path in group] for group in same]
        said = _as_json(collections, chunks, unread) | ({"same": groups} if groups else {})
        click.echo(json.dumps(said, ensure_ascii=False))
    else:
        _show(collections, chunks, unread)
        _show_same(same)


def _as_json(
    collections: Sequence[CollectionSummary], chunks: Mapping[int, int], unread: Sequence[Unread]
) -> dict[str, Any]:
    return {
        "collections": [
            {
                "name": c.name,
                "documents": c.documents,
                "chunks": chunks.get(c.id, 0),
                "updated_at": c.updated_at.isoformat() if c.updated_at else None,
            }
            for c in collections
        ],
        "not_indexed": [
            {"collection": name, "document": e.path, "state": e.state, "reason": e.reason} for name, e in unread
        ],
    }


def _show(collections: Sequence[CollectionSummary], chunks: Mapping[int, int], unread: Sequence[Unread]) -> None:
    if not collections:
        click.echo("Nothing is indexed yet. Run `indexer ingest FOLDER`.")
    for c in collections:
        when = f", last changed {c.updated_at:%Y-%m-%d %H:%M} UTC" if c.updated_at else ""
        click.echo(f"{c.name}: {c.documents} documents, {chunks.get(c.id, 0)} passages{when}")
    for name, entry in unread:
        click.echo(inert(f"  {entry.state:9} {name}/{entry.path}: {entry.reason}"))


def _show_same(groups: Sequence[Sequence[tuple[str, str]]]) -> None:
    for group in groups:
        click.echo(inert("  same words " + ", ".join(f"{name}/{path}" for name, path in group)))
