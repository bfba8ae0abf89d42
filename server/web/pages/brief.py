"""A document in brief: its outline and most central sentences at once, and what a language model writes of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from indexer.documents.extract.document import blocks_from_json
from indexer.knowledge.chosen import documents_with
from indexer.knowledge.tables import Document
from indexer.passages import Scope
from indexer.search.whole import read_whole
from server.answering.brief import MOST_CHARACTERS
from server.answering.outline import central_sentences, outline
from server.errors import NotFound
from server.runtime.briefs import BriefRun
from server.runtime.services import ScopeDep, ScopesDep, Services, ServicesDep
from server.views.brief_view import how_much, outline_lines, progress, sentence_lines, shown_brief, shown_texts
from server.web.pages.page_route import PageRoute
from server.web.pages.shell import shell
from server.web.parameters import RowId
from server.web.session import OwnerDep
from server.web.templating import fragment, is_fragment, page

NO_DOCUMENT = ("There is no such document.", "It may have been removed since.")

router = APIRouter(route_class=PageRoute, include_in_schema=False)


def get_document(document_id: RowId, services: ServicesDep, scope: ScopeDep) -> Document:
    """Raises NotFound before anything is streamed."""
    found = services.catalog.document(document_id, scope)
    if found is None:
        raise NotFound(*NO_DOCUMENT)
    return found


DocumentDep = Annotated[Document, Depends(get_document)]


@router.get("/documents/{document_id}/brief")
def brief(request: Request, found: DocumentDep, services: ServicesDep, scope: ScopeDep, owner: OwnerDep) -> Response:
    """The document in its own words, and the summary where one is kept or on its way."""
    context = {**_own_words(services, found, scope), **_summary(services, found)}
    if is_fragment(request):
        return page(request, "_brief.html", **context, panel=True)
    return page(request, "brief.html", **shell(services, scope, owner), **context, panel=False)


@router.post("/documents/{document_id}/brief")
async def begin(
    request: Request, document_id: RowId, found: DocumentDep, services: ServicesDep, scope: ScopeDep
) -> Response:
    """Has the language model summarise it, unless it has: whoever may read the document sees the same summary."""
    if await asyncio.to_thread(services.briefs.kept, document_id, found.text) is None:
        await services.briefs.start(document_id, found.text, scope)
    return await asyncio.to_thread(_changed, request, services, found)


@router.get("/documents/{document_id}/brief/events", response_class=EventSourceResponse)
async def events(
    document_id: RowId, found: DocumentDep, services: ServicesDep, scopes: ScopesDep
) -> AsyncIterator[ServerSentEvent]:
    """The summary as it is written, then as it ended. Once the document may not be read any more nothing is told."""
    run = services.briefs.run_of(document_id, found.text)
    if run is not None:
        async with aclosing(services.briefs.follow(run)) as steps:
            async for _ in steps:
                if not run.ended and await asyncio.to_thread(_is_there, services, document_id, scopes):
                    yield await asyncio.to_thread(_now, run)
    yield await asyncio.to_thread(_end, services, document_id, scopes)


@router.post("/documents/{document_id}/brief/stop")
async def stop(request: Request, document_id: RowId, found: DocumentDep, services: ServicesDep) -> Response:
    run = services.briefs.run_of(document_id, found.text)
    if run is not None:
        await services.briefs.stop(run)
    return await asyncio.to_thread(_changed, request, services, found)


def _is_there(services: Services, document_id: int, scopes: Callable[[], Scope]) -> bool:
    return bool(documents_with(services.catalog.engine, [document_id], scopes()))


def _changed(request: Request, services: Services, found: Document) -> Response:
    if not is_fragment(request):
        return RedirectResponse(f"/documents/{found.id}/brief", status_code=303)
    return page(request, "_brief_summary.html", **_summary(services, found), panel=True)


def _now(run: BriefRun) -> ServerSentEvent:
    return ServerSentEvent(event="brief", raw_data=fragment("_brief_now.html", **_so_far(run)))


def _end(services: Services, document_id: int, scopes: Callable[[], Scope]) -> ServerSentEvent:
    found = services.catalog.document(document_id, scopes())
    context = _summary(services, found) if found is not None else {"gone": True, "document_id": document_id}
    return ServerSentEvent(event="end", raw_data=fragment("_brief_summary.html", **context, panel=True))


def _own_words(services: Services, found: Document, scope: Scope) -> dict[str, Any]:
    """What the document says of itself, without a model."""
    whole = read_whole(services.catalog.engine, found.id or 0, scope, MOST_CHARACTERS)
    headings = outline(found.text, blocks_from_json(found.blocks), found.title)
    return {
        "title": found.title or found.path,
        "path": found.path,
        "sentences": sentence_lines(central_sentences(whole)) if whole is not None else [],
        "how_much": how_much(whole.read, whole.total) if whole is not None else "",
        "outline": outline_lines(headings, found.id or 0),
        "more_headings": headings.more,
        "has_model": services.has_model,
    }


def _summary(services: Services, found: Document) -> dict[str, Any]:
    """The summary as it is kept, as it is being written, or how to have one."""
    run = services.briefs.run_of(found.id or 0, found.text)
    kept = services.briefs.kept(found.id or 0, found.text)
    return {
        "gone": False,
        "document_id": found.id,
        "shown": shown_brief(kept) if kept is not None else None,
        "running": run is not None and not run.ended,
        "can_write": services.briefs.can_write,
        "ended": run.state if run is not None and run.ended else "",
        "why": run.why if run is not None else "",
        **(_so_far(run) if run is not None else {"texts": [], "how_far": ""}),
    }


def _so_far(run: BriefRun) -> dict[str, Any]:
    return {"texts": shown_texts(run.shown), "how_far": progress(run.state, run.why, run.done, run.total)}
