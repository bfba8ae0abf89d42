"""One evaluation from end to end: ingest into a temporary folder, search, and where asked a server's answers."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
from rich.table import Table

from indexer.embed import SentenceTransformerEmbedder
from indexer.errors import StartError
from indexer.evaluate.answer_measures import Sources
from indexer.evaluate.answers import ask_all
from indexer.evaluate.by_question import (
    add_answers,
    add_closed_book,
    off_topic_rows,
    question_rows,
    summarise_answers,
    summarise_closed_book,
)
from indexer.evaluate.compare import Comparison
from indexer.evaluate.facts import known
from indexer.evaluate.kept_index import KeptIndex
from indexer.evaluate.refusals import summarise_refusals
from indexer.evaluate.retrieval import (
    EvaluationQuestion,
    RetrievalReport,
    check_gold,
    evaluate_retrieval,
    gold_texts,
    ingest_folder,
    load_questions,
)
from indexer.evaluate.sample import Sample
from indexer.knowledge.calibration import is_due, read_calibration
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import open_knowledge
from indexer.passages import Scope
from indexer.progress import console, message
from indexer.search.calibrate import answerabilities, calibrate
from indexer.search.rerank import open_reranker
from indexer.search.retrieve import Retriever
from indexer.search.store import Store
from indexer.settings import IndexerSettings

READY_SECONDS = 300.0
"""A server loads torch in ten seconds and a model of 2 GB in less than a minute; much longer means it never will."""
END_SECONDS = 10.0  # that a server is given to end by itself


def evaluate_folder(
    folder: Path,
    settings: IndexerSettings,
    answers: bool,
    endpoint: str,
    closed_book: bool = False,
    off_topic: Path | None = None,
    sample: Sample | None = None,
    index: Path | None = None,
) -> dict[str, Any]:
    """The report that `indexer evaluate --json` prints. Raises StartError, and DocentError when a server fails.

    `off_topic`: another folder, whose questions this one's corpus does not answer. `sample`: not all are asked.
    `index`: where the corpus's index is kept for the next time.
    """
    questions = load_questions(folder)
    others = load_questions(off_topic) if off_topic else []
    retriever = indexed(folder, settings, questions, KeptIndex(index, folder, settings) if index else None)
    engine, scope = retriever.engine, Catalog(retriever.engine).everything()
    if sample:
        questions, others = sample.of(questions), sample.of_any(others)
    message(f"Asking {len(questions)} questions.")
    report, passages = evaluate_retrieval(questions, retriever, scope)
    figures = {"folder": folder.name, **({"sample": str(sample)} if sample else {}), **report.summary()}
    rows = question_rows(questions, report, passages)
    figures["refusals"] = _refusals(report, questions, others, retriever, scope, settings.false_refusals)
    if answers or endpoint:
        sources = {id_: known(text) for id_, text in gold_texts(questions, engine).items()}
        key = os.environ.get("DOCENT_API_KEY", "") if endpoint else ""
        with nullcontext(endpoint) if endpoint else running_server(settings) as url:
            figures |= ask_server(questions, rows, url, closed_book, key, sources, others)
    return {**figures, "per_question": rows}


def indexed(
    folder: Path, settings: IndexerSettings, questions: Sequence[EvaluationQuestion], kept: KeptIndex | None
) -> Retriever:
    """The corpus, indexed and calibrated in the data folder: read now, or taken from where it was kept."""
    known_already = kept is not None and kept.restore()
    engine = open_knowledge(settings)
    embedder = SentenceTransformerEmbedder(settings)
    if not known_already:
        message(f"Indexing the corpus of {folder.name}.")
        ingest_folder(folder, settings, engine, embedder)
    check_gold(questions, engine)
    store = Store(engine, settings.index_path)
    store.load()
    store.save()
    retriever = Retriever(engine, embedder, store, settings, open_reranker(settings))
    if is_due(engine):
        calibrate(retriever, Catalog(engine).everything())
    if kept and not known_already:
        engine.dispose()  # closed, so that nothing is left to be written
        kept.keep()
    return retriever


def _refusals(
    report: RetrievalReport,
    questions: Sequence[EvaluationQuestion],
    off_topic: Sequence[EvaluationQuestion],
    retriever: Retriever,
    scope: Scope,
    false_refusals: float,
) -> dict[str, Any]:
    """What search alone would refuse."""
    unanswerable = answerabilities([one.asked for one in questions if one.answerable is False], retriever, scope)
    return summarise_refusals(
        [result.answerability for result in report.results],
        unanswerable,
        answerabilities([one.asked for one in off_topic], retriever, scope),
        read_calibration(retriever.engine).least(false_refusals),
    )


def ask_server(
    questions: Sequence[EvaluationQuestion],
    rows: list[dict[str, Any]],
    endpoint: str,
    closed_book: bool,
    key: str = "",
    sources: Sources | None = None,
    off_topic: Sequence[EvaluationQuestion] = (),
) -> dict[str, Any]:
    """The figures of a server's answers; each answer goes into the row of its question. Raises DocentError.

    `sources`: what the gold documents hold. `off_topic` are asked as well, and get rows of their own.
    """
    if closed_book:  # first, since it fails at once where no language model is
        add_closed_book(rows, ask_all(questions, endpoint, key, retrieval=False))
    add_answers(rows, ask_all(questions, endpoint, key), sources or {})
    rows += off_topic_rows(ask_all(off_topic, endpoint, key))
    return {**summarise_answers(rows), **(summarise_closed_book(rows) if closed_book else {})}


@contextmanager
def running_server(settings: IndexerSettings) -> Iterator[str]:
    """`docent serve` on the data folder, as a process of its own; its address once it is ready. Raises StartError."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "DOCENT_DATA": str(settings.data)}
    command = [sys.executable, "-m", "server", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603 (our own command)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, process)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()  # its lock on the data folder is gone with it


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", timeout=2, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            pass  # it is not listening yet
        time.sleep(0.3)
    raise StartError("The server for the evaluation did not get ready.", "Run `docent doctor` to see why.")


def show_report(report: dict[str, Any], indent: str = "") -> None:
    """The figures, one a line."""
    for name, value in report.items():
        if name in ("per_question", "comparison"):
            continue  # a table of its own, or only for programs
        if isinstance(value, dict):
            console.print(f"{indent}{name}")
            show_report(value, indent + "  ")
        else:
            console.print(f"{indent}{name:14} {'no such questions' if value is None else value}")


def show_comparison(comparison: Comparison) -> None:
    """A table of every measure that both runs have."""
    table = Table("measure", "before", "after", "difference", "95% interval", "", box=None)
    for one in comparison.differences:
        interval = f"{one.low:+.4g} to {one.high:+.4g}"
        table.add_row(
            one.measure, f"{one.before:.4g}", f"{one.after:.4g}", f"{one.difference:+.4g}", interval, one.verdict
        )
    console.print(table)
    others = f", {comparison.only_one} stand in one of them alone" if comparison.only_one else ""
    console.print(f"{comparison.questions} questions stand in both runs{others}.")
