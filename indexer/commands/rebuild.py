"""`indexer rebuild`: chunks, vectors and indexes anew, with the settings as they are now, while the old ones serve."""

import json
import time

import click

from indexer.commands.after_change import save_and_calibrate
from indexer.embed import SentenceTransformerEmbedder
from indexer.knowledge.database import open_knowledge
from indexer.progress import message, rebuild_progress
from indexer.rebuild import Outcome, discard_rebuild, rebuild_index
from indexer.settings import IndexerSettings

OLDER_READER = "Texts are not read anew by it: `indexer ingest` does that where a file was read by an older reader."


def run(discard: bool, as_json: bool) -> None:
    settings = IndexerSettings()
    if discard:
        _discard(settings, as_json)
        return
    started = time.monotonic()
    engine = open_knowledge(settings)
    embedder = SentenceTransformerEmbedder(settings)

    def save() -> None:  # a server that still searches with the old settings soon does not
        save_and_calibrate(settings, engine, embedder)

    with rebuild_progress() as progress:
        outcome = rebuild_index(settings, engine, embedder, progress, save)
    if as_json:
        click.echo(json.dumps(_as_json(outcome, time.monotonic() - started)))
    if outcome.switched:
        before = f", {outcome.resumed} of them before it was interrupted" if outcome.resumed else ""
        message(f"Rebuilt {outcome.chunks} passages of {outcome.documents} documents{before}. {OLDER_READER}")
    else:
        message("The rebuild that was interrupted had come to its end; what was left of the older passages is removed.")


def _as_json(outcome: Outcome, seconds: float) -> dict[str, object]:
    return {
        "documents": outcome.documents,
        "chunks": outcome.chunks,
        "resumed": outcome.resumed,
        "switched": outcome.switched,
        "longest_write_ms": round(outcome.longest_write * 1000),
        "took_ms": round(seconds * 1000),
    }


def _discard(settings: IndexerSettings, as_json: bool) -> None:
    found = discard_rebuild(settings, open_knowledge(settings))
    if as_json:
        click.echo(json.dumps({"discarded": found is not None and found.phase != "clearing"}))
    if found is None:
        message("No rebuild is under way.")
    elif found.phase == "clearing":
        message(
            "The rebuild had come to its end and is what is searched; what was left of the older passages is removed."
        )
    else:
        message("What the rebuild had made is removed. Searches go on as before.")
