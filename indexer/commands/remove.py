"""`indexer remove`: files, folders and collections out of the knowledge, by the rules of the trash."""

import json
import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from indexer.errors import BusyError, StartError
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.removal import KnownFile, known_files, named_files
from indexer.knowledge.trash import UNDO, delete_files, purge, purge_files
from indexer.progress import message
from indexer.settings import IndexerSettings

SHOWN = 10  # files that are named to people


def run(paths: tuple[str, ...], collection: tuple[str, ...], whole: bool, for_good: bool, as_json: bool) -> None:
    if whole and (paths or not collection):
        raise StartError("--all removes the collections that are named, and takes no paths.", "Add --collection NAME.")
    if not (whole or paths):
        raise StartError("There is nothing to remove.", "Name files or folders; or a --collection, and --all of it.")
    settings = IndexerSettings()
    catalog = Catalog(open_knowledge(settings))
    scope = catalog.chosen(list(collection), catalog.everything())
    known = known_files(catalog.engine, scope)
    files, unknown = known, []
    if not whole:
        named = named_files(known, paths)
        files, unknown = named.files, named.unknown
    ids = [file.entry_id for file in files]
    delete_files(settings, catalog.engine, ids, scope, whole)
    if for_good:
        purge_files(settings, catalog.engine, ids)
    with suppress(BusyError):  # an ingest writes: the server does it, or the next time
        purge(settings, catalog.engine)  # what was deleted longer ago than it can be brought back
    removed, before = [one for one in files if not one.is_deleted], [one for one in files if one.is_deleted]
    if as_json:
        found = {"removed": _listed(removed), "already_removed": _listed(before), "not_found": unknown}
        click.echo(json.dumps(found, ensure_ascii=False))
    _tell(removed, before, unknown, for_good)
    sys.exit(1 if unknown else 0)


def _listed(files: Sequence[KnownFile]) -> list[dict[str, str]]:
    return [{"collection": file.collection, "document": file.path} for file in files]


def _tell(removed: Sequence[KnownFile], before: Sequence[KnownFile], unknown: Sequence[str], for_good: bool) -> None:
    for file in removed[:SHOWN]:
        message(f"removed   {file.collection}/{file.path}")
    if len(removed) > SHOWN:
        message(f"removed   {len(removed) - SHOWN} more")
    if before:
        message(f"{len(before)} had been deleted by hand before.")
    for path in unknown:
        shown = path or "''"
        message(f"not found {shown}: no file of the ledger is or lies below it. `indexer export` has the path of each.")
    if removed and not for_good:
        minutes = round(UNDO.total_seconds() / 60)
        message(f"No search finds them any more. For {minutes} minutes the documents page can bring them back.")
