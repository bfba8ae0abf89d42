"""The documents page: what was read and what was not, uploads, the progress of indexing, deleting and bringing back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from indexer.knowledge.catalog import SORTS
from indexer.knowledge.file_query import FileQuery
from indexer.knowledge.seen import mark_seen, unseen_files
from indexer.knowledge.tables import LedgerEntry
from indexer.knowledge.trash import ask_again, delete_file, restore_file
from indexer.passages import Scope
from server.errors import Forbidden, NotFound
from server.library.ingest_jobs import FileOutcome
from server.library.uploads import UPLOAD_PATH, Incoming, collection_name, open_folder
from server.runtime.services import ScopeDep, ScopesDep, Services, ServicesDep
from server.views.library_view import STATES, file_line, job_lines, run_lines, unread_kinds, unseen_line
from server.web.pages.page_route import PageRoute
from server.web.pages.shell import shell
from server.web.parameters import Count, Moment, RowId, Whole, read_number
from server.web.session import OwnerDep
from server.web.templating import fragment, is_fragment, page

PAGE = 100  # files shown at once; 200 took 65 ms of a core (benchmarks/pages.py)
POLL_SECONDS = 1.0  # between two looks at the progress
NO_FILE = "There is no such file."

router = APIRouter(route_class=PageRoute, include_in_schema=False)


def get_query(
    state: str = "",
    collection: Whole = 0,
    q: str = "",
    sort: str = "",
    desc: bool = False,
    part: Annotated[int, Query(ge=1, le=100_000)] = 1,
    reason: str = "",
) -> FileQuery:
    """Files of kinds that are not read are listed where somebody asks for such files, or for a name."""
    known = state if state in (*STATES, "deleted") else ""
    search = q.strip()[:200]
    return FileQuery(
        state=known,
        collection=collection,
        search=search,
        reason=reason[:500],
        without_unread_kinds=not (known or search or reason),
        sort=sort if sort in SORTS else "",
        descending=desc,
        offset=(part - 1) * PAGE,
        limit=PAGE,
    )


QueryDep = Annotated[FileQuery, Depends(get_query)]


@router.get("/documents")
def documents(
    request: Request, services: ServicesDep, scope: ScopeDep, owner: OwnerDep, query: QueryDep, deleted: Whole = 0
) -> Response:
    """The whole page, or its table alone for HTMX. `deleted` is the entry whose deletion can be undone."""
    if is_fragment(request):
        return page(request, "_files.html", **_table(services, scope, query))
    return page(
        request,
        "documents.html",
        **_progress(services, scope),
        undo=services.catalog.deleted_file(deleted, scope) if deleted else None,
        ended=services.catalog.ended_runs(scope),  # before the table is read
        **shell(services, scope, owner),
        **_table(services, scope, query),
        roots=services.catalog.roots(scope),
        max_file_mb=services.settings.max_file_mb,
    )


@router.post(UPLOAD_PATH)
async def upload(request: Request, services: ServicesDep, scopes: ScopesDep) -> Response:
    """Keep the files and index them. The body is read here, piece by piece, and by nothing before."""
    if not services.settings.is_loopback and services.settings.password is None:
        raise Forbidden("Files can be uploaded only where a page password is set.", "Set DOCENT_PASSWORD.")
    incoming = Incoming(services.settings, request.headers.get("content-type", ""))
    await incoming.receive(request.stream(), read_number(request.headers.get("content-length", "")) or 0)
    try:
        collection = collection_name(incoming.fields.get("collection", ""))
        await asyncio.to_thread(_check_writable, services, collection, scopes)
        folder = await asyncio.to_thread(open_folder, services.settings, collection)
    except BaseException:
        await asyncio.to_thread(incoming.discard)
        raise
    received = await asyncio.to_thread(incoming.keep, folder)
    paths = [one.path for one in received if one.path is not None]
    refused = [FileOutcome(one.name, "skipped", one.reason) for one in received if one.path is None]
    if paths or refused:
        services.jobs.submit(collection, paths, refused)
    if is_fragment(request):
        return await asyncio.to_thread(_progress_page, request, services, scopes)
    return RedirectResponse("/documents#progress", status_code=303)


def _progress_page(request: Request, services: Services, scopes: Callable[[], Scope]) -> Response:
    return page(request, "_progress.html", **_progress(services, scopes()))


def _check_writable(services: Services, collection: str, scopes: Callable[[], Scope]) -> None:
    """Raises NotFound for a collection that is there and of which the asker may not read everything, and for a new
    one where the asker has no collection whole. What the asker may read is asked after what is there: another upload
    may have made the collection while this one came."""
    there = services.catalog.named([collection], services.catalog.everything()).collections
    scope = scopes()
    if not (there <= scope.whole_collections if there else scope.is_whole_collections):
        raise NotFound("Files cannot be added to this collection.", "Choose another name.")


@router.get("/documents/events", response_class=EventSourceResponse)
async def events(
    services: ServicesDep, scopes: ScopesDep, ended: Count | None = None
) -> AsyncIterator[ServerSentEvent]:
    """`progress` whenever it changed, and `changed` when there is something new to list.

    `ended` is how many runs had ended when the page was made: one may have ended since.
    """
    shown, before = "", None if ended is None else Runs(ended, 0)
    while True:
        html, runs = await asyncio.to_thread(_progress_now, services, scopes)
        if html != shown:
            shown = html
            yield ServerSentEvent(raw_data=html, event="progress")
        if before is not None and (runs.ended > before.ended or runs.running < before.running):
            yield ServerSentEvent(raw_data="", event="changed")
        before = runs
        if await services.ending.begins_within(POLL_SECONDS):
            return  # the page comes back by itself


@dataclass(frozen=True)
class Runs:
    """How many runs have ended, and how many go on: one that is killed is in neither."""

    ended: int
    running: int


def _progress_now(services: Services, scopes: Callable[[], Scope]) -> tuple[str, Runs]:
    scope = scopes()
    progress = _progress(services, scope)
    return fragment("_progress.html", **progress), Runs(services.catalog.ended_runs(scope), len(progress["runs"]))


@router.post("/documents/files/{entry_id}/delete")
def delete(request: Request, entry_id: RowId, services: ServicesDep, scope: ScopeDep, query: QueryDep) -> Response:
    """Gone from the very next answer: the search takes the change up before this returns."""
    entry = _found(delete_file(services.catalog.engine, entry_id, scope))
    _follow(services)
    if is_fragment(request):
        return page(request, "_files_undo.html", **_table(services, scope, query), undo=entry)
    return RedirectResponse(_address(query, deleted=entry.id), status_code=303)


@router.post("/documents/files/{entry_id}/restore")
async def restore(
    request: Request, entry_id: RowId, services: ServicesDep, scope: ScopeDep, query: QueryDep
) -> Response:
    found = await asyncio.to_thread(restore_file, services.catalog.engine, entry_id, scope)
    if found is None:
        raise NotFound("This file cannot be brought back any more.", "What was deleted is kept for ten minutes.")
    entry, whole = found
    if not whole:
        await _index_again(services, entry, scope)
    await asyncio.to_thread(_follow, services)
    return await asyncio.to_thread(_back, request, services, scope, query, "_files_undo.html")


@router.post("/documents/seen")
def seen(
    request: Request, services: ServicesDep, scope: ScopeDep, query: QueryDep, until: Annotated[Moment, Form()]
) -> Response:
    """The failures that this list showed first need not stand there any longer."""
    mark_seen(services.catalog.engine, query, until, scope)
    return _back(request, services, scope, query)


@router.post("/documents/files/{entry_id}/again")
async def index_again(
    request: Request, entry_id: RowId, services: ServicesDep, scope: ScopeDep, query: QueryDep
) -> Response:
    """Read one file anew, whether it changed or not."""
    entry = _found(await asyncio.to_thread(ask_again, services.catalog.engine, entry_id, scope))
    await _index_again(services, entry, scope)
    return await asyncio.to_thread(_back, request, services, scope, query)


@router.post("/documents/again")
async def folder_again(
    request: Request,
    services: ServicesDep,
    scope: ScopeDep,
    query: QueryDep,
    root: Annotated[str, Form()] = "",
    into: Annotated[Whole, Form()] = 0,
) -> Response:
    """Bring the index in step with a folder that was ingested before, and with no other."""
    known = await asyncio.to_thread(services.catalog.roots, scope)
    name = next((name for id_, name, folder in known if (id_, folder) == (into, root)), None)
    if name is None:
        raise NotFound("This folder was never indexed.", "Whoever runs Docent can add it with `indexer ingest FOLDER`.")
    services.jobs.submit(name, [Path(root)])
    return await asyncio.to_thread(_back, request, services, scope, query)


async def _index_again(services: Services, entry: LedgerEntry, scope: Scope) -> None:
    names = await asyncio.to_thread(services.catalog.names, scope)
    services.jobs.submit(names[entry.collection_id], [Path(entry.root) / entry.path])


def _found(entry: LedgerEntry | None) -> LedgerEntry:
    if entry is None:
        raise NotFound(NO_FILE, "It may have been removed since.")
    return entry


def _follow(services: Services) -> None:
    if services.retriever is not None:
        services.retriever.follow()


def _back(
    request: Request, services: Services, scope: Scope, query: FileQuery, template: str = "_files.html"
) -> Response:
    """The table anew; with `_files_undo.html` there is nothing to undo any more."""
    if is_fragment(request):
        return page(request, template, **_table(services, scope, query), undo=None)
    return RedirectResponse(_address(query), status_code=303)


def _address(query: FileQuery, **changed: object) -> str:
    """The page's address for a query with some of it changed."""
    values: dict[str, object] = {
        "state": query.state,
        "collection": query.collection,
        "q": query.search,
        "sort": query.sort,
        "desc": int(query.descending),
        "part": query.offset // PAGE + 1,
        "reason": query.reason,
    }
    values |= changed
    wanted = {name: value for name, value in values.items() if value and (name, value) != ("part", 1)}
    return f"/documents?{urlencode(wanted)}" if wanted else "/documents"


def _table(services: Services, scope: Scope, query: FileQuery) -> dict[str, Any]:
    total = services.catalog.count_files(query, scope)
    every = replace(query, without_unread_kinds=False)
    kinds = services.catalog.unread_kinds(every, scope) if query.without_unread_kinds else {}
    rows = services.catalog.files(query, scope)
    alike = services.catalog.alike([row.document_id for row in rows if row.document_id is not None], scope)
    return {
        "files": [file_line(row, alike.get(row.document_id or 0)) for row in rows],
        "total": total,
        "unread": unread_kinds(kinds),
        "query": query,
        "states": services.catalog.file_states(scope),
        "state_names": STATES,
        "address": lambda **changed: _address(query, **changed),
        "suffix": _address(query).removeprefix("/documents"),
        "part": query.offset // PAGE + 1,
        "parts": max(1, -(-total // PAGE)),
        "unseen": unseen_line(unseen_files(services.catalog.engine, query, scope)),
    }


def _progress(services: Services, scope: Scope) -> dict[str, Any]:
    """Runs and jobs name files, so they are for those who may read all of their collection. A new collection is there
    for nobody until its first job has begun: till then that job is for all who have whole ones."""
    names = services.catalog.names(services.catalog.everything())
    hidden = {name for id_, name in names.items() if id_ not in scope.whole_collections}
    running = services.catalog.running(scope)
    jobs = [job for job in services.jobs.jobs if job.collection not in hidden] if scope.is_whole_collections else []
    return {"runs": run_lines(running, names), "jobs": job_lines(jobs, running_now=bool(running))}
