"""The documents page: what was read and what was not, where each file stands, and what can be done with one file."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from indexer.documents.extract.formats import FORMATS, SUCCESSORS
from indexer.errors import program
from indexer.knowledge.file_query import FileQuery
from indexer.knowledge.seen import mark_seen
from indexer.knowledge.sent import cancel_sent
from indexer.knowledge.tables import WAITING, LedgerEntry, now
from indexer.knowledge.trash import ask_again, delete_file, is_upload, restore_file
from indexer.passages import Scope
from server.errors import Conflict, NotFound
from server.library.upload_folders import bring_back, forget_replaced
from server.runtime.services import ScopeDep, ScopesDep, Services, ServicesDep
from server.views.library_view import Undo, undo_line
from server.views.wording import aware
from server.web.pages.file_list import QueryDep, address, back, follow, progress, table
from server.web.pages.page_route import PageRoute
from server.web.pages.shell import shell
from server.web.parameters import Count, Moment, RowId, Whole
from server.web.session import OwnerDep
from server.web.templating import fragment, is_fragment, page

POLL_SECONDS = 1.0  # between two looks at the progress
LIST_SECONDS = 3.0  # between two lists while files are read one after the other
NO_FILE = "There is no such file."
OLDER_STAYS = "It was cancelled. What was read of the file before stays as it is."

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/documents")
def documents(
    request: Request,
    services: ServicesDep,
    scope: ScopeDep,
    owner: OwnerDep,
    query: QueryDep,
    deleted: Whole = 0,
    together: Moment | None = None,
    said: str = "",
) -> Response:
    """The whole page, or its table alone for HTMX. `deleted` is the entry whose deletion can be undone, `together` the
    moment at which several were deleted; `said` names what was done, as `SAID` has it in words."""
    if is_fragment(request):
        return page(request, "_files.html", **table(services, scope, query))
    undo = _undo(services, scope, together) if together else None
    entry = services.catalog.deleted_file(deleted, scope) if deleted else None
    if entry is not None and entry.deleted_at is not None:
        undo = undo_line(1, entry.path, aware(entry.deleted_at), cancelled=entry.state == WAITING)
    context = shell(services, scope, owner)
    used = services.catalog.in_use(scope)
    return page(
        request,
        "documents.html",
        **progress(services, scope),
        undo=undo,
        said=SAID.get(said, ""),
        ended=services.catalog.ended_runs(scope),  # before the table is read
        **(context | table(services, scope, query)),
        used=used,
        documents_of={one.id: one.documents for one in context["collections"]},
        roots=services.catalog.roots(scope),
        max_file_mb=services.settings.max_file_mb,
        endings=" ".join(FORMATS),
        successors=" ".join(f"{old}={new}" for old, new in SUCCESSORS.items()),
    )


SAID = {
    "again": "The chosen files are read again. Each says in its row where it stands.",
    "moved": "The chosen files were moved.",
    "partly": "Some of the chosen files were moved. The others stay: they wait to be read, lie in a folder that is "
    "read as a whole, or the other collection has a file of their name.",
    "renamed": "The collection has its new name.",
    "merged": "The files of the collection were moved.",
    "late": "It was too late to cancel: what was chosen has been read.",
    "stopped": "It was cancelled. What was read before is kept.",
}


def _undo(services: Services, scope: Scope, moment: datetime) -> Undo | None:
    moment = moment.astimezone(UTC)
    return undo_line(*services.catalog.deleted_together(moment, scope), moment)


@router.get("/documents/events", response_class=EventSourceResponse)
async def events(
    services: ServicesDep, scopes: ScopesDep, ended: Count | None = None
) -> AsyncIterator[ServerSentEvent]:
    """`progress` whenever it changed, and `changed` when there is something new to list.

    `ended` is how many runs had ended when the page was made: one may have ended since.
    """
    shown, before, listed = "", None if ended is None else Runs(ended, 0), time.monotonic()
    while True:
        html, runs = await asyncio.to_thread(_progress_now, services, scopes)
        if html != shown:
            shown = html
            yield ServerSentEvent(raw_data=html, event="progress")
        is_due = time.monotonic() - listed >= LIST_SECONDS
        if before is not None and runs.list_more_than(before, is_due=is_due):
            listed = time.monotonic()
            yield ServerSentEvent(raw_data="", event="changed")
            before = runs
        elif before is None or before.jobs is None or is_due:
            before = runs
        if await services.ending.begins_within(POLL_SECONDS):
            return  # the page comes back by itself


@dataclass(frozen=True)
class Runs:
    """How many runs have ended, and how many go on: one that is killed is in neither. `done`: files that those that go
    on have settled; `jobs`: the latest ones, with their states and how many files each has, None where not known."""

    ended: int
    running: int
    done: int = 0
    jobs: tuple[tuple[str, str, int], ...] | None = None

    def list_more_than(self, before: "Runs", *, is_due: bool) -> bool:
        """Whether rows of the list may differ; `is_due`: also those of a run that goes on."""
        if self.ended > before.ended or self.running < before.running:
            return True
        if before.jobs is not None and self.jobs != before.jobs:
            return True
        return is_due and self.done != before.done


def _progress_now(services: Services, scopes: Callable[[], Scope]) -> tuple[str, Runs]:
    scope = scopes()
    shown = progress(services, scope)
    jobs = services.jobs.jobs if scope.is_whole_collections else []
    runs = Runs(
        services.catalog.ended_runs(scope),
        len(shown["runs"]),
        sum(run.done for run in shown["runs"]),
        tuple((job.id, job.state, len(job.paths)) for job in jobs),
    )
    return fragment("_progress.html", **shown), runs


@router.post("/documents/files/{entry_id}/delete")
async def delete(
    request: Request, entry_id: RowId, services: ServicesDep, scope: ScopeDep, query: QueryDep
) -> Response:
    """Gone from the very next answer: the search takes the change up before this returns."""
    entry = _found(await asyncio.to_thread(delete_file, services.catalog.engine, entry_id, scope))
    services.jobs.drop([Path(entry.root) / entry.path])
    await asyncio.to_thread(follow, services)
    return await asyncio.to_thread(_deleted, request, services, scope, query, entry)


def _deleted(request: Request, services: Services, scope: Scope, query: FileQuery, entry: LedgerEntry) -> Response:
    if not is_fragment(request):
        return RedirectResponse(address(query, deleted=entry.id), status_code=303)
    undo = undo_line(1, entry.path, aware(entry.deleted_at or now()), cancelled=entry.state == WAITING)
    return page(request, "_files_undo.html", **table(services, scope, query), undo=undo, said="")


@router.post("/documents/files/{entry_id}/cancel")
async def cancel(
    request: Request, entry_id: RowId, services: ServicesDep, scope: ScopeDep, query: QueryDep
) -> Response:
    """Have a file not be read that waits or is just being read. Raises Conflict where it has been."""
    entry = await asyncio.to_thread(_entry, services, entry_id, scope)
    path = Path(entry.root) / entry.path
    dropped = bool(services.jobs.drop([path]))
    if entry.state != WAITING:  # an older version is searched, and stays
        if not dropped:
            raise _too_late()
        await asyncio.to_thread(_keep_older, services, entry)
        return await asyncio.to_thread(back, request, services, scope, query, "_files_undo.html", OLDER_STAYS)
    if not await asyncio.to_thread(cancel_sent, services.catalog.engine, [entry_id], scope, now()):
        raise _too_late()
    await asyncio.to_thread(forget_replaced, services.settings, [path])
    cancelled = await asyncio.to_thread(_entry, services, entry_id, scope)
    return await asyncio.to_thread(_deleted, request, services, scope, query, cancelled)


def _too_late() -> Conflict:
    return Conflict("It was too late to cancel: the file has been read.", "Delete takes it out again.")


def _keep_older(services: Services, entry: LedgerEntry) -> None:
    if is_upload(services.settings, entry.root):
        bring_back(services.settings, Path(entry.root) / entry.path)


@router.post("/documents/files/{entry_id}/restore")
async def restore(
    request: Request, entry_id: RowId, services: ServicesDep, scope: ScopeDep, query: QueryDep
) -> Response:
    found = await asyncio.to_thread(restore_file, services.catalog.engine, entry_id, scope)
    if found is None:
        raise NotFound("This file cannot be brought back any more.", "What was deleted is kept for ten minutes.")
    entry, whole = found
    if not whole:
        await submit(services, [entry], scope)
    await asyncio.to_thread(follow, services)
    return await asyncio.to_thread(back, request, services, scope, query, "_files_undo.html")


@router.post("/documents/seen")
def seen(
    request: Request, services: ServicesDep, scope: ScopeDep, query: QueryDep, until: Annotated[Moment, Form()]
) -> Response:
    """The failures that this list showed first need not stand there any longer, for anybody."""
    mark_seen(services.catalog.engine, query, until, scope)
    return back(request, services, scope, query)


@router.post("/documents/files/{entry_id}/again")
async def index_again(
    request: Request, entry_id: RowId, services: ServicesDep, scope: ScopeDep, query: QueryDep
) -> Response:
    """Read one file anew, whether it changed or not."""
    entry = await asyncio.to_thread(_entry, services, entry_id, scope)
    if not await asyncio.to_thread(is_there, services, entry):
        raise NotFound("Docent keeps no copy of this file: it was not taken when it was sent.", "Send it again.")
    await asyncio.to_thread(ask_again, services.catalog.engine, entry_id, scope)
    await submit(services, [entry], scope)
    return await asyncio.to_thread(back, request, services, scope, query)


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
        advice = f"Whoever runs Docent can add it with `{program('indexer')} ingest FOLDER`."
        raise NotFound("This folder was never indexed.", advice)
    services.jobs.submit(name, [Path(root)])
    return await asyncio.to_thread(back, request, services, scope, query)


async def submit(services: Services, entries: list[LedgerEntry], scope: Scope) -> None:
    """Have these files read, each into its collection. Raises TooBusy."""
    names = await asyncio.to_thread(services.catalog.names, scope)
    of_collection: dict[int, list[Path]] = {}
    for entry in entries:
        of_collection.setdefault(entry.collection_id, []).append(Path(entry.root) / entry.path)
    for id_, paths in of_collection.items():
        services.jobs.submit_many(names[id_], paths)


def is_there(services: Services, entry: LedgerEntry) -> bool:
    """Whether there is a file to be read, as far as Docent keeps it."""
    return not is_upload(services.settings, entry.root) or (Path(entry.root) / entry.path).exists()


def _entry(services: Services, entry_id: int, scope: Scope) -> LedgerEntry:
    return _found(next(iter(services.catalog.entries([entry_id], scope)), None))


def _found(entry: LedgerEntry | None) -> LedgerEntry:
    if entry is None:
        raise NotFound(NO_FILE, "It may have been removed since.")
    return entry
