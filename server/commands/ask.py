"""`docent ask`: one question, answered by the running server or, where none runs, here."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import click

from indexer.client import find_server
from indexer.console import inert_lines
from indexer.errors import StartError, program
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.chosen import MOST_DOCUMENTS, documents_named
from indexer.knowledge.database import open_knowledge
from indexer.passages import Scope
from server.answering.events import Answer, Evidence, Question, Sources
from server.answering.means import Means
from server.app import Parts
from server.settings import ServerSettings
from server.web.api.completion_shapes import Completion
from server.web.parameters import read_number

CITATION_FIELDS = ("n", "document", "title", "page", "quote", "start", "end")


def run(question: str, collection: tuple[str, ...], document: tuple[str, ...], json_wanted: bool) -> None:
    completion = ask(ServerSettings(), question, collection, [_id_or_path(name) for name in document])
    click.echo(json.dumps(as_json(completion), ensure_ascii=False) if json_wanted else inert_lines(as_text(completion)))


def _id_or_path(name: str) -> int | str:
    return read_number(name) or name


def ask(
    settings: ServerSettings,
    question: str,
    collections: Sequence[str] = (),
    documents: Sequence[int | str] = (),
    parts: Parts | None = None,
) -> dict[str, Any]:
    """The answer as a chat completion, `docent` included. Raises DocentError."""
    server = find_server(settings)
    if server is not None:
        return server.ask(question, collections, documents)
    catalog = Catalog(open_knowledge(settings))
    scope = _choosing(catalog, catalog.chosen(collections, catalog.everything()), documents)
    if not catalog.has_documents(scope):
        raise StartError("Nothing is indexed yet.", f"Run `{program('indexer')} ingest FOLDER`, then ask again.")
    click.echo("No server runs on this data folder, so the models are loaded here; that takes some seconds.", err=True)
    return asyncio.run(_answer_here(settings, catalog, Question(question, scope), parts or Parts()))


def _choosing(catalog: Catalog, scope: Scope, documents: Sequence[int | str]) -> Scope:
    """Raises StartError for one that is not there."""
    if len(documents) > MOST_DOCUMENTS:
        raise StartError(f"At most {MOST_DOCUMENTS} documents can be named.", "Name a collection instead.")
    found = documents_named(catalog.engine, documents, scope)
    for document, named in found.items():
        if not named:
            raise StartError(f"There is no document {document!r}.", "`indexer search` names documents by their paths.")
    chosen = frozenset(one.id for named in found.values() for one in named)
    return scope.choosing(chosen) if documents else scope


async def _answer_here(settings: ServerSettings, catalog: Catalog, question: Question, parts: Parts) -> dict[str, Any]:
    generator = parts.open_generator(settings)
    try:
        retriever = await asyncio.to_thread(parts.open_retriever, settings, catalog.engine)
        means = Means(settings=settings, catalog=catalog, retriever=retriever, generator=generator)
        means.opened.set()
        means.model_opened.set()
        events = parts.answer(question, means)
        sources: tuple[Evidence, ...] = ()
        answer: Answer | None = None
        async with aclosing(events) as stream:
            async for event in stream:
                if isinstance(event, Sources):
                    sources = event.evidence
                elif isinstance(event, Answer):
                    answer = event
    finally:
        if generator is not None:
            await generator.aclose()
    if answer is None:
        raise RuntimeError("the answer ended without an Answer")
    return Completion("docent", "").whole(answer, sources, ())


def as_json(completion: dict[str, Any]) -> dict[str, Any]:
    """What `docent ask --json` prints."""
    docent = completion["docent"]
    return {
        "answer": completion["choices"][0]["message"]["content"],
        "answered": docent["answered"],
        "mode": docent["mode"],
        "citations": [_citation(citation) for citation in docent["citations"]],
        "quotes": [_citation(quote) for quote in docent.get("quotes", [])],
        "usage": completion["usage"],
        "took_ms": docent["took_ms"],
    }


def _citation(citation: dict[str, Any]) -> dict[str, Any]:
    return {name: citation[name] for name in CITATION_FIELDS}


def as_text(completion: dict[str, Any]) -> str:
    """The answer, the documents' words that it rests on, then its other sources with the quoted words; the closest
    passages where the documents do not say."""
    docent = completion["docent"]
    quotes = docent.get("quotes", [])
    lines = [completion["choices"][0]["message"]["content"], ""]
    if quotes:
        lines += ["The documents’ words:", *(line for quote in quotes for line in _source(quote)), ""]
    for citation in docent["citations"]:
        if not any(_holds(quote, citation) for quote in quotes):
            lines += _source(citation)
    if not docent.get("supported", True):
        lines += ["No source was found for anything in this answer: take it for not in the documents.", ""]
    if not docent["answered"] and docent["closest"]:
        lines += ["The closest passages:", *(f"  - {place(passage)}" for passage in docent["closest"][:3])]
    return "\n".join(lines).rstrip()


def _source(citation: dict[str, Any]) -> list[str]:
    lines = [f"[{citation['n']}] {place(citation)}", f"    “{' '.join(citation['quote'].split())}”"]
    return [*lines, *(f"    also in {other['document']}" for other in citation.get("also_in", ()))]


def _holds(quote: dict[str, Any], citation: dict[str, Any]) -> bool:
    """Whether the words of a citation stand in a quotation of its source."""
    within: bool = quote["start"] <= citation["start"] and citation["end"] <= quote["end"]
    return within and bool(quote["n"] == citation["n"])


def place(found: dict[str, Any]) -> str:
    parts = [found["title"] or found["document"], found["heading"], f"page {found['page']}" if found["page"] else ""]
    return f"{', '.join(part for part in parts if part)} ({found['document']})"
