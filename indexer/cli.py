"""The `indexer` command: ingest | status | search | evaluate | calibrate | enrich | verify | rebuild.

`--json` prints one JSON document on standard output and nothing else there; progress and messages go to standard error.
Exit status: 0 done, 1 done with failures that the output lists, 2 could not start.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Engine
from watchfiles import Change, watch

from indexer.client import find_server, search_result
from indexer.console import Commands, inert, not_empty
from indexer.embed import Embedder, SentenceTransformerEmbedder
from indexer.enrich.enrich import enrich
from indexer.enrich.writer import Writer
from indexer.errors import DocentError, StartError
from indexer.evaluate.compare import compare, read_baseline
from indexer.evaluate.folder import evaluate_folder, show_comparison, show_report
from indexer.evaluate.report import write_report
from indexer.evaluate.retrieval import load_questions
from indexer.ingest import Report, ingest
from indexer.knowledge.calibration import is_due, keep_labelled, read_calibration
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import open_knowledge
from indexer.progress import calibration_progress, enrich_progress, ingest_progress, message, summarise_enrichment
from indexer.rebuild import rebuild_index
from indexer.search.calibrate import answerabilities, calibrate, fit_labelled
from indexer.search.retrieve import Retriever, open_retriever
from indexer.search.store import Store
from indexer.settings import IndexerSettings
from indexer.verify import verify_index

WATCH_MS = 1000  # how long a watch waits for a change before it looks whether it shall end
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")


@click.group(cls=Commands)
@click.version_option(package_name="docent", message="Docent %(version)s")
def main() -> None:
    """Turn folders of documents into knowledge that can be searched."""


@main.command("ingest")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--collection", default="", help="Collection to put them into; by default the folder's name.")
@click.option("--prune", is_flag=True, help="Remove vanished documents even if they are more than a fifth of all.")
@click.option("--watch", is_flag=True, help="Go on running and take up every change of the folders.")
@JSON_OPTION
def ingest_command(paths: tuple[Path, ...], collection: str, prune: bool, watch: bool, as_json: bool) -> None:
    """Index files and folders: what is new or changed is read, what is gone is removed."""
    settings = IndexerSettings()
    report = run_ingest(paths, settings, collection, prune, as_json)
    if watch:
        _watch(paths, settings, collection, as_json)
    sys.exit(1 if report.counts["failed"] else 0)


def run_ingest(
    paths: tuple[Path, ...], settings: IndexerSettings, collection: str, prune: bool, as_json: bool
) -> Report:
    engine = open_knowledge(settings)
    open_embedder = cache(lambda: SentenceTransformerEmbedder(settings))
    with ingest_progress() as progress:
        report = ingest(paths, settings, engine, open_embedder, collection, prune, progress.update)
    _save_snapshot(settings, engine)
    _calibrate_if_due(settings, engine, open_embedder)
    if as_json:
        click.echo(json.dumps(_ingest_json(report), ensure_ascii=False))
    progress.summarise(report)
    return report


def _save_snapshot(settings: IndexerSettings, engine: Engine) -> None:
    store = Store(engine, settings.index_path)
    if store.is_behind():
        store.load()
        try:
            store.save()
        except OSError as error:
            message(f"The index could not be written to {settings.index_path} ({error}); it is made again when needed.")


def _calibrate_if_due(settings: IndexerSettings, engine: Engine, open_embedder: Callable[[], Embedder]) -> None:
    if is_due(engine):
        store = Store(engine, settings.index_path)
        store.load()
        retriever = Retriever(engine, open_embedder(), store, settings)
        with calibration_progress() as progress:
            calibrate(retriever, Catalog(engine).everything(), progress)


def _ingest_json(report: Report) -> dict[str, Any]:
    files = [
        {"document": f.document, "state": f.state, "reason": f.reason, "pages": f.pages, "chunks": f.chunks}
        for f in report.files
    ]
    return {**report.counts, "files": files, "took_ms": report.took_ms}


def _watch(paths: tuple[Path, ...], settings: IndexerSettings, collection: str, as_json: bool) -> None:
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
                run_ingest(paths, settings, collection, False, as_json)
            except DocentError as error:  # a folder that is being moved about must not end the watch
                message(str(error))


@main.command()
@JSON_OPTION
def status(as_json: bool) -> None:
    """Show what is indexed, and what could not be read and why."""
    settings = IndexerSettings()
    catalog = Catalog(open_knowledge(settings))
    scope = catalog.everything()
    collections = catalog.collections(scope)
    unread = [(name, entry) for name, entry in catalog.ledger(scope) if entry.state != "indexed"]
    if as_json:
        click.echo(
            json.dumps(
                {
                    "collections": [
                        {
                            "name": c.name,
                            "documents": c.documents,
                            "chunks": c.chunks,
                            "updated_at": c.updated_at.isoformat() if c.updated_at else None,
                        }
                        for c in collections
                    ],
                    "not_indexed": [
                        {"collection": name, "document": e.path, "state": e.state, "reason": e.reason}
                        for name, e in unread
                    ],
                },
                ensure_ascii=False,
            )
        )
        return
    if not collections:
        click.echo("Nothing is indexed yet. Run `indexer ingest FOLDER`.")
    for c in collections:
        when = f", last changed {c.updated_at:%Y-%m-%d %H:%M} UTC" if c.updated_at else ""
        click.echo(f"{c.name}: {c.documents} documents, {c.chunks} passages{when}")
    for name, entry in unread:
        click.echo(inert(f"  {entry.state:9} {name}/{entry.path}: {entry.reason}"))


@main.command()
@click.argument("question", callback=not_empty)
@click.option("--collection", multiple=True, help="Search only this collection; may be given more than once.")
@click.option("-k", "top_k", default=8, show_default=True, type=click.IntRange(1, 50), help="Passages to show.")
@JSON_OPTION
def search(question: str, collection: tuple[str, ...], top_k: int, as_json: bool) -> None:
    """Show the passages that are closest to a question."""
    settings = IndexerSettings()
    server = find_server(settings)
    if server is not None:
        found = server.search(question, list(collection), top_k)
    else:
        found = _search_here(settings, question, list(collection), top_k)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for passage in found["passages"]:
        place = " › ".join(part for part in (passage["title"], passage["heading"]) if part)
        page = f", page {passage['page']}" if passage["page"] else ""
        click.secho(
            inert(f"{passage['rank']}. {place}{page}  ({passage['document']}, {passage['score']:.2f})"), bold=True
        )
        click.echo("   " + inert(" ".join(passage["text"].split())[:300]) + "\n")
    if not found["passages"]:
        message("Nothing was found. `indexer status` shows what is indexed.")


def _search_here(settings: IndexerSettings, question: str, collections: list[str], top_k: int) -> dict[str, Any]:
    catalog = Catalog(open_knowledge(settings))
    scope = catalog.chosen(collections, catalog.everything())
    message("No server runs on this data folder, so the search model is loaded here; that takes some seconds.")
    retriever = open_retriever(settings, catalog.engine)
    started = time.monotonic()
    passages = retriever.search(question, [], scope, top_k)
    took = round((time.monotonic() - started) * 1000)
    return search_result(question, passages, took)


@main.command("verify")
def verify_command() -> None:
    """Check that every chunk is exactly the words of its document and that the indexes agree with the database."""
    settings = IndexerSettings()
    problems = verify_index(settings, open_knowledge(settings))
    for problem in problems:
        click.echo(problem)
    if problems:
        message("Run `indexer rebuild` to make chunks, vectors and indexes anew from the stored texts.")
        sys.exit(1)
    click.echo("Every chunk and index agrees with the documents.")


@main.command()
def rebuild() -> None:
    """Make chunks, vectors and indexes anew from the stored texts, with the settings as they are now."""
    settings = IndexerSettings()
    engine = open_knowledge(settings)
    embedder = SentenceTransformerEmbedder(settings)
    with ingest_progress() as progress:
        documents, chunks = rebuild_index(settings, engine, embedder, progress.update)
    _save_snapshot(settings, engine)
    _calibrate_if_due(settings, engine, lambda: embedder)
    message(f"Rebuilt {chunks} passages of {documents} documents.")


@main.command("evaluate")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--answers", is_flag=True, help="Also ask a server that is started on the folder, and judge its answers.")
@click.option("--endpoint", default="", help="Also ask this server (http://host:port), which already holds the corpus.")
@click.option("--closed-book", is_flag=True, help="Also ask the server's language model without any documents.")
@click.option(
    "--off-topic",
    type=click.Path(path_type=Path),
    help="Another folder: see how many of its questions are refused of this corpus.",
)
@click.option("--baseline", type=click.Path(path_type=Path), help="Compare with this report of an earlier --json run.")
@click.option(
    "--report", "page", type=click.Path(path_type=Path), help="Also write an HTML page with plots to this file."
)
@JSON_OPTION
def evaluate_command(
    folder: Path,
    answers: bool,
    endpoint: str,
    closed_book: bool,
    off_topic: Path | None,
    baseline: Path | None,
    page: Path | None,
    as_json: bool,
) -> None:
    """Measure retrieval, and with --answers or --endpoint the answers, on a folder of questions.

    With --baseline the exit status is 1 when a measure got worse by more than chance explains.
    """
    if closed_book and not (answers or endpoint):
        raise StartError("Without documents only a server can be asked.", "Add --answers or --endpoint.")
    before = read_baseline(baseline) if baseline else None
    if page and not page.absolute().parent.is_dir():
        raise StartError(f"There is no folder {page.absolute().parent} for the report.", "Make it, or name another.")
    with tempfile.TemporaryDirectory(prefix="docent-evaluate-") as data:
        settings = IndexerSettings(data=Path(data))
        report = evaluate_folder(folder, settings, answers, endpoint, closed_book, off_topic)
    comparison = compare(before, report["per_question"]) if before is not None else None
    if comparison:
        report["comparison"] = comparison.as_json()
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
    else:
        show_report(report)
    if comparison:
        show_comparison(comparison)
    if page:
        write_report(page, report)
        message(f"The report stands in {page}.")
    sys.exit(1 if comparison and comparison.lost else 0)


@main.command("calibrate")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@JSON_OPTION
def calibrate_command(folder: Path | None, as_json: bool) -> None:
    """Find anew when to say that the documents do not say.

    FOLDER holds labelled questions about your documents (questions.jsonl): from then on these decide. Without it,
    questions that are surely off topic do, as after each ingest.
    """
    settings = IndexerSettings()
    engine = open_knowledge(settings)
    questions = load_questions(folder) if folder else []
    scope = Catalog(engine).everything()
    retriever = open_retriever(settings, engine)
    if folder:
        fit_labelled([one.asked for one in questions if one.answerable is True], retriever, scope)
    else:
        keep_labelled(engine, [])
        with calibration_progress() as progress:
            calibrate(retriever, scope, progress)
    least = read_calibration(engine).least(settings.false_refusals)
    unanswerable = answerabilities([one.asked for one in questions if one.answerable is False], retriever, scope)
    refused = sum(one < least for one in unanswerable)
    found = {"least": round(least, 4), "unanswerable": len(unanswerable), "refused": refused}
    if as_json:
        click.echo(json.dumps(found))
    message(f"Questions whose answerability is below {least:.3f} are refused.")
    if unanswerable:
        message(f"Of the folder's {len(unanswerable)} questions without an answer these are {refused}.")


@main.command("enrich")
@click.option("--collection", multiple=True, help="Only this collection; may be given more than once.")
@click.option(
    "--endpoint", default="", help="OpenAI-compatible server that writes; by default the running `docent serve`."
)
@click.option("--model", default="", help="Its model; by default the first that it lists.")
@click.option("--limit", type=click.IntRange(1), help="Stop after this many passages; the next run goes on.")
@JSON_OPTION
def enrich_command(collection: tuple[str, ...], endpoint: str, model: str, limit: int | None, as_json: bool) -> None:
    """Let a language model write, for each passage, the questions and words by which people look for it.

    They lead searches to the passage and are never shown. A run that is interrupted goes on where it was.
    """
    settings = IndexerSettings()
    engine = open_knowledge(settings)
    catalog = Catalog(engine)
    scope = catalog.chosen(list(collection), catalog.everything())
    url, key = _writing_server(settings, endpoint)
    with closing(Writer(url, key, model)) as writer, enrich_progress() as progress:
        retriever = open_retriever(settings, engine)
        report = enrich(settings, engine, retriever, writer, scope, limit, progress.update)
    _save_snapshot(settings, engine)
    if as_json:
        click.echo(json.dumps(asdict(report), ensure_ascii=False))
    message(summarise_enrichment(report))
    sys.exit(1 if report.unusable else 0)


def _writing_server(settings: IndexerSettings, endpoint: str) -> tuple[str, str]:
    """(address, key) of the server that writes. Raises StartError."""
    if endpoint:
        return endpoint, os.environ.get("DOCENT_API_KEY", "")
    server = find_server(settings)
    if server is None:
        raise StartError(
            "No server runs on this data folder that could write.",
            "Start `docent serve` with a language model, or name a server: indexer enrich --endpoint http://host:port.",
        )
    return server.address.url, server.address.token
