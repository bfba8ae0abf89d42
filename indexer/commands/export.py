"""`indexer export`: every document as a line of JSON."""

import json

import click

from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.export import exported
from indexer.progress import message
from indexer.settings import IndexerSettings

LINE_ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}
"""What some readers take for the end of a line, though JSON does not."""


def run(collection: tuple[str, ...], chunks: bool) -> None:
    catalog = Catalog(open_knowledge(IndexerSettings()))
    scope = catalog.chosen(list(collection), catalog.everything())
    files = documents = 0
    for line in exported(catalog.engine, scope, chunks):
        click.echo(json.dumps(line, ensure_ascii=False).translate(LINE_ENDS).encode())  # UTF-8 in every terminal
        files += 1
        documents += line["text"] is not None
    message(f"Exported {files} files, {documents} of them with text.")
