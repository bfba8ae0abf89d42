"""`indexer ingest`: folders into the knowledge, once or for as long as somebody watches."""

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from watchfiles import Change, watch

from indexer.console import Work
from indexer.embed import Embedder
from indexer.embed_remote import SparingEmbedder, server_searches
from indexer.errors import DocentError
from indexer.ingest import ingest
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.runs import Report
from indexer.progress import ingest_progress, message
from indexer.settings import IndexerSettings

SAVE_AND_CALIBRATE = Work("indexer.commands.after_change:save_and_calibrate")  # FAISS is loaded only for that
WATCH_MS = 1000  # how long a watch waits for a change before it looks whether it shall end


def run(paths: tuple[Path, ...], collection: str, prune: bool, watch: bool, as_json: bool) -> None:
    settings = IndexerSettings()
    embedder = SparingEmbedder(settings)
    report = _ingest_once(paths, settings, embedder, collection, prune, as_json)
    if watch:
        _ingest_changes(paths, settings, embedder, collection, as_json)
    sys.exit(1 if report.counts["failed"] else 0)


def _ingest_once(
    paths: tuple[Path, ...],
    settings: IndexerSettings,
    embedder: Embedder,
    collection: str,
    prune: bool,
    as_json: bool,
) -> Report:
    engine = open_knowledge(settings)
    with ingest_progress() as progress:
        report = ingest(paths, settings, engine, lambda: embedder, collection, prune, progress.update)
    if not server_searches(settings):
        SAVE_AND_CALIBRATE(settings, engine, embedder)
    if as_json:
        click.echo(json.dumps(_as_json(report), ensure_ascii=False))
    progress.summarise(report)
    return report


def _ingest_changes(
    paths: tuple[Path, ...], settings: IndexerSettings, embedder: Embedder, collection: str, as_json: bool
) -> None:
    """Until Ctrl-C. The first look comes once the watch stands: it takes up what changed while the first run worked."""
    own = settings.data.resolve()

    def is_document(_change: Change, path: str) -> bool:
        return not Path(path).is_relative_to(own)  # what a run writes down must not start the next run

    standing = False
    changes = watch(*paths, watch_filter=is_document, step=500, rust_timeout=WATCH_MS, yield_on_timeout=True)
    with suppress(KeyboardInterrupt):
        for changed in changes:
            if not standing:
                message("Watching for changes. Press Ctrl-C to stop.")
            elif not changed:
                continue
            standing = True
            try:
                _ingest_once(paths, settings, embedder, collection, False, as_json)
            except DocentError as error:  # a folder that is being moved about must not end the watch
                message(str(error))


def _as_json(report: Report) -> dict[str, Any]:
    files = [
        {"document": f.document, "state": f.state, "reason": f.reason, "pages": f.pages, "chunks": f.chunks}
        for f in report.files
    ]
    return {**report.counts, "files": files, "took_ms": report.took_ms}
