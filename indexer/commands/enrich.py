"""`indexer enrich`: a language model writes how people look for each passage."""

import json
import os
import sys
from contextlib import closing
from dataclasses import asdict

import click

from indexer.client import find_server
from indexer.commands.after_change import save_if_due
from indexer.embed_remote import server_searches
from indexer.enrich.enrich import enrich
from indexer.enrich.writer import Writer
from indexer.errors import StartError
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import open_knowledge
from indexer.progress import enrich_progress, message, summarise_enrichment
from indexer.search.retrieve import open_retriever
from indexer.settings import IndexerSettings


def run(collection: tuple[str, ...], endpoint: str, model: str, limit: int | None, at_once: int, as_json: bool) -> None:
    settings = IndexerSettings()
    engine = open_knowledge(settings)
    catalog = Catalog(engine)
    scope = catalog.chosen(list(collection), catalog.everything())
    url, key = _writing_server(settings, endpoint)
    with closing(Writer(url, key, model)) as writer, enrich_progress() as progress:
        retriever = open_retriever(settings, engine)
        report = enrich(settings, engine, retriever, writer, scope, limit, at_once, progress.update)
    if not server_searches(settings):
        save_if_due(settings, engine)
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
