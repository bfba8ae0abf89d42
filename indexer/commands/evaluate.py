"""`indexer evaluate`: measures over a folder of questions, shown, compared with an earlier run, written as a page."""

import json
import sys
import tempfile
from pathlib import Path

import click

from indexer.errors import StartError
from indexer.evaluate.compare import compare, read_baseline
from indexer.evaluate.folder import evaluate_folder, show_comparison, show_report
from indexer.evaluate.report import write_report
from indexer.evaluate.sample import parse_sample
from indexer.progress import message
from indexer.settings import IndexerSettings


def run(
    folder: Path,
    answers: bool,
    endpoint: str,
    closed_book: bool,
    off_topic: Path | None,
    sample: str,
    seed: int,
    index: Path | None,
    baseline: Path | None,
    page: Path | None,
    as_json: bool,
) -> None:
    if closed_book and not (answers or endpoint):
        raise StartError("Without documents only a server can be asked.", "Add --answers or --endpoint.")
    chosen = parse_sample(sample, seed) if sample else None
    before = read_baseline(baseline) if baseline else None
    if page and not page.absolute().parent.is_dir():
        raise StartError(f"There is no folder {page.absolute().parent} for the report.", "Make it, or name another.")
    with tempfile.TemporaryDirectory(prefix="docent-evaluate-") as data:
        settings = IndexerSettings(data=Path(data))
        report = evaluate_folder(folder, settings, answers, endpoint, closed_book, off_topic, chosen, index)
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
