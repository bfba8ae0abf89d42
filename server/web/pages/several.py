"""What is done with several files of the list at once, taking it back, and the list as a file."""

import asyncio
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from indexer.knowledge.catalog import FileRow
from indexer.knowledge.collections import move_files
from indexer.knowledge.file_query import FileQuery
from indexer.knowledge.sent import cancel_sent
from indexer.knowledge.tables import WAITING, now
from indexer.knowledge.trash import ask_many_again, delete_together, restore_together
from indexer.passages import Scope
from server.errors import BadRequest, NotFound
from server.library.upload_folders import bring_back, open_folder
from server.runtime.services import ScopeDep, Services, ServicesDep
from server.views.library_view import STATES, moved_words, undo_line
from server.views.wording import counted, machine_moment
from server.web.pages.documents import is_there, submit
from server.web.pages.file_list import PAGE, QueryDep, address, back, follow, standing, table
from server.web.pages.page_route import PageRoute
from server.web.parameters import Moment, Row, Whole
from server.web.templating import is_fragment, page

MOST = 20_000  # files at once: deleting 10,000 takes 3 s
ROWS = 1000  # of the list that are read at once
COLUMNS = ("title", "file", "folder", "collection", "state", "reason", "pages", "bytes", "when")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.post("/documents/several")
async def several(
    request: Request,
    services: ServicesDep,
    scope: ScopeDep,
    query: QueryDep,
    do: Annotated[Literal["delete", "again", "move", "cancel"], Form()],
    file: Annotated[list[Row], Form(default_factory=list, max_length=PAGE)],
    all_of_it: Annotated[bool, Form(alias="all")] = False,
    into: Annotated[Whole, Form()] = 0,
) -> Response:
    """`file`: the chosen entries; `all`: every file in all pages of the list instead."""
    ids = await asyncio.to_thread(services.catalog.file_ids, query, scope, MOST + 1) if all_of_it else list(file)
    if not ids:
        raise BadRequest("No file is chosen.", "Choose some with the boxes in front of their names.")
    if len(ids) > MOST:
        raise BadRequest(f"These are more than {MOST:,} files.", "Narrow the list, or choose a collection.")
    match do:
        case "delete":
            return await _delete(request, services, scope, query, ids)
        case "again":
            return await _again(request, services, scope, query, ids)
        case "cancel":
            return await _cancel(request, services, scope, query, ids)
        case "move":
            return await _move(request, services, scope, query, ids, into)


async def _delete(request: Request, services: Services, scope: Scope, query: FileQuery, ids: Sequence[int]) -> Response:
    services.jobs.drop(await asyncio.to_thread(_paths, services, scope, ids))
    moment = now()
    engine = services.catalog.engine
    await asyncio.to_thread(delete_together, services.settings, engine, ids, scope, moment)
    await asyncio.to_thread(follow, services)
    if not is_fragment(request):
        return RedirectResponse(address(query, together=moment.isoformat()), status_code=303)

    def shown() -> Response:
        undo = undo_line(*services.catalog.deleted_together(moment, scope), moment)
        return page(request, "_files_undo.html", **table(services, scope, query), undo=undo, said="")

    return await asyncio.to_thread(shown)


async def _again(request: Request, services: Services, scope: Scope, query: FileQuery, ids: Sequence[int]) -> Response:
    def asked() -> list[int]:
        there = [one for one in services.catalog.entries(ids, scope) if is_there(services, one)]
        return [one.id for one in there if one.id is not None and not one.path.endswith("/")]

    chosen = await asyncio.to_thread(asked)
    entries = await asyncio.to_thread(ask_many_again, services.catalog.engine, chosen, scope)
    await submit(services, entries, scope)
    missing = len(ids) - len(entries)
    said = f"{counted(len(entries), 'file')} {'waits' if len(entries) == 1 else 'wait'} to be read again."
    if missing:
        said += f" Of {counted(missing, 'other')} there is no file to read."
    return await _told(request, services, scope, query, said, "again")


async def _cancel(request: Request, services: Services, scope: Scope, query: FileQuery, ids: Sequence[int]) -> Response:
    entries = await asyncio.to_thread(services.catalog.entries, ids, scope)
    dropped = services.jobs.drop(await asyncio.to_thread(_paths, services, scope, ids))

    def cancelled() -> int:
        older = [one for one in entries if one.state != WAITING and Path(one.root) / one.path in dropped]
        for one in older:
            bring_back(services.settings, Path(one.root) / one.path)
        return len(older) + cancel_sent(services.catalog.engine, ids, scope, now())

    count = await asyncio.to_thread(cancelled)
    late = len(ids) - count
    said = f"{counted(count, 'file')} {'is' if count == 1 else 'are'} not read."
    if late:
        said += f" {counted(late, 'other')} had been read before, or waited for nothing."
    return await _told(request, services, scope, query, said, "late" if late else "stopped")


async def _move(
    request: Request, services: Services, scope: Scope, query: FileQuery, ids: Sequence[int], into: int
) -> Response:
    names = await asyncio.to_thread(services.catalog.in_use, scope)
    if into not in names or into not in scope.whole_collections:
        raise NotFound("There is no such collection any more.", "Nothing was moved. Choose another one.")

    def moved() -> str:
        folder = open_folder(services.settings, services.catalog.engine, names[into])
        entries = services.catalog.entries(ids, scope)
        free = [one for one in entries if standing(services, one) is None]
        chosen = [one.id for one in free if one.id is not None]
        done = move_files(services.settings, services.catalog.engine, chosen, scope, into, folder)
        done.unread += tuple(one.path for one in entries if one not in free)
        follow(services)
        return moved_words(done, names[into])

    said = await asyncio.to_thread(moved)
    return await _told(request, services, scope, query, said, "moved" if said.endswith(" now.") else "partly")


def _paths(services: Services, scope: Scope, ids: Sequence[int]) -> list[Path]:
    return [Path(entry.root) / entry.path for entry in services.catalog.entries(ids, scope)]


async def _told(request: Request, services: Services, scope: Scope, query: FileQuery, said: str, key: str) -> Response:
    """The list anew with what was done in words; without JavaScript with those that `key` stands for."""
    if not is_fragment(request):
        return RedirectResponse(address(query, said=key), status_code=303)
    return await asyncio.to_thread(back, request, services, scope, query, "_files_undo.html", said)


@router.post("/documents/restore")
async def restore_several(
    request: Request, services: ServicesDep, scope: ScopeDep, query: QueryDep, moment: Annotated[Moment, Form()]
) -> Response:
    """Bring back what was deleted at one moment."""
    engine = services.catalog.engine
    count, unread = await asyncio.to_thread(restore_together, engine, moment.astimezone(UTC), scope)
    if not count:
        raise NotFound("This cannot be brought back any more.", "What was deleted is kept for ten minutes.")
    there = await asyncio.to_thread(lambda: [one for one in unread if is_there(services, one)])
    await submit(services, there, scope)
    await asyncio.to_thread(follow, services)
    return await asyncio.to_thread(back, request, services, scope, query, "_files_undo.html")


@router.get("/documents/list.csv")
def download(services: ServicesDep, scope: ScopeDep, query: QueryDep) -> Response:
    """Every file in all pages of the list."""
    headers = {"Content-Disposition": 'attachment; filename="documents.csv"', "Cache-Control": "no-store"}
    lines = _csv(services, scope, replace(query, without_unread_kinds=False))
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


def _csv(services: Services, scope: Scope, query: FileQuery) -> Iterator[str]:
    yield "\ufeff" + _lines([COLUMNS])  # by the mark a spreadsheet knows that it is UTF-8
    at = 0
    while rows := services.catalog.files(replace(query, offset=at, limit=ROWS), scope):
        yield _lines(map(_row, rows))
        at += ROWS


def _row(row: FileRow) -> tuple[str, ...]:
    entry = row.entry
    state = "Deleted" if entry.deleted_at else STATES.get(entry.state, entry.state)
    pages = "" if entry.pages is None else str(entry.pages)
    texts = (row.title, entry.path, entry.root, row.collection, state, entry.reason)
    inert = (f"'{text}" if text.startswith(FORMULA) else text for text in texts)
    return (*inert, pages, str(entry.size), machine_moment(entry.updated_at))


def _lines(rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
