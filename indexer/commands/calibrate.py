"""`indexer calibrate`: where "the documents do not say" begins, from labelled questions or from off-topic ones."""

import json
from pathlib import Path

import click

from indexer.evaluate.retrieval import load_questions
from indexer.knowledge.calibration import keep_labelled, read_calibration
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import open_knowledge
from indexer.progress import calibration_progress, message
from indexer.search.calibrate import answerabilities, calibrate, fit_labelled
from indexer.search.retrieve import open_retriever
from indexer.settings import IndexerSettings


def run(folder: Path | None, as_json: bool) -> None:
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
    if as_json:
        click.echo(json.dumps({"least": round(least, 4), "unanswerable": len(unanswerable), "refused": refused}))
    message(f"Questions whose answerability is below {least:.3f} are refused.")
    if unanswerable:
        message(f"Of the folder's {len(unanswerable)} questions without an answer these are {refused}.")
