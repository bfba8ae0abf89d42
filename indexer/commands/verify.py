"""`indexer verify`: is everything derived still true to the documents?"""

import sys

import click

from indexer.knowledge.database import open_knowledge
from indexer.progress import message
from indexer.settings import IndexerSettings
from indexer.verify import verify_index


def run() -> None:
    settings = IndexerSettings()
    problems = verify_index(settings, open_knowledge(settings))
    for problem in problems:
        click.echo(problem)
    if problems:
        message("Run `indexer rebuild` to make chunks, vectors and indexes anew from the stored texts.")
        sys.exit(1)
    click.echo("Every chunk and index agrees with the documents.")
