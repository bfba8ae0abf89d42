"""`indexer search`: the passages that are closest to a question, from the running server or, where none runs, here."""

import json
import time
from typing import Any

import click

from indexer.client import find_server, search_result
from indexer.console import inert
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import open_knowledge
from indexer.progress import message
from indexer.search.retrieve import open_retriever
from indexer.settings import IndexerSettings


def run(question: str, collection: tuple[str, ...], top_k: int, as_json: bool) -> None:
    settings = IndexerSettings()
    server = find_server(settings)
    if server is not None:
        found = server.search(question, list(collection), top_k)
        for passage in found["passages"]:
            passage.pop("document_id", None)  # of use to who goes on with the server's API
    else:
        found = _search_here(settings, question, list(collection), top_k)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for passage in found["passages"]:
        _show(passage)
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


def _show(passage: dict[str, Any]) -> None:
    place = " › ".join(part for part in (passage["title"], passage["heading"]) if part)
    page = f", page {passage['page']}" if passage["page"] else ""
    click.secho(inert(f"{passage['rank']}. {place}{page}  ({passage['document']}, {passage['score']:.2f})"), bold=True)
    click.echo("   " + inert(" ".join(passage["text"].split())[:300]))
    for other in passage.get("also_in", ()):
        click.echo("   " + inert(f"also in {other}"))
    for other in passage.get("partly_in", ()):
        click.echo("   " + inert(f"some of it also in {other}"))
    click.echo()
