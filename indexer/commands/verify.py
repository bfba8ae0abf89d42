"""`indexer verify`: is everything derived still true to the documents?"""

import json
import sys
from dataclasses import asdict

import click

from indexer.console import inert
from indexer.knowledge.database import open_knowledge
from indexer.progress import message
from indexer.settings import IndexerSettings
from indexer.verify import verify


def run(as_json: bool) -> None:
    settings = IndexerSettings()
    found = verify(settings, open_knowledge(settings))
    if as_json:
        click.echo(json.dumps(asdict(found), ensure_ascii=False))
    else:
        for problem in found.problems:
            click.echo(inert(problem))
    if found.problems:
        message("Run `indexer rebuild` to make chunks, vectors and indexes anew from the stored texts.")
        sys.exit(1)
    message(
        f"Looked at {found.documents} documents, {found.passages} passages, {found.sentences} sentences and "
        f"{found.entries} entries."
    )
    if not as_json:
        click.echo("Every chunk and index agrees with the documents.")
