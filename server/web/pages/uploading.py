"""Files that a browser sends to the documents page, and what waits to be read."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from indexer.knowledge.sent import SentFile, cancel_sent, enter_sent, make_collection
from indexer.knowledge.tables import WAITING, known_id, now
from indexer.passages import Scope
from server.errors import Forbidden, NotFound
from server.library.job import FileOutcome
from server.library.upload_folders import bring_back, is_unread, open_folder
from server.library.uploads import UPLOAD_PATH, Incoming, Received, collection_name
from server.runtime.services import ScopeDep, ScopesDep, Services, ServicesDep
from server.web.pages.file_list import progress
from server.web.pages.page_route import PageRoute
from server.web.parameters import read_number
from server.web.session import SessionsDep
from server.web.templating import is_fragment, page

END_SECONDS = 3.0  # that a run which is told to end is waited for

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.post(UPLOAD_PATH)
async def upload(request: Request, services: ServicesDep, sessions: SessionsDep, scopes: ScopesDep) -> Response:
    """Keep the files and index them. The body is read here, piece by piece, and by nothing before."""
    if not services.settings.is_loopback and sessions.is_open:
        raise Forbidden("Files can be uploaded only where a page password is set.", "Set DOCENT_PASSWORD.")
    before = await asyncio.to_thread(lambda: services.catalog.names(services.catalog.everything()))
    incoming = Incoming(services.settings, request.headers.get("content-type", ""))
    await incoming.receive(request.stream(), read_number(request.headers.get("content-length", "")) or 0)
    try:
        collection = collection_name(incoming.fields.get("collection", ""))
        collection = await asyncio.to_thread(_called_now, services, collection, before)
        await asyncio.to_thread(_check_writable, services, collection, scopes)
        folder = await asyncio.to_thread(open_folder, services.settings, services.catalog.engine, collection)
    except BaseException:
        await asyncio.to_thread(incoming.discard)
        raise
    received = await asyncio.to_thread(incoming.keep, folder)
    paths = [one.path for one in received if one.path is not None]
    refused = [FileOutcome(one.name, "skipped", one.reason) for one in received if one.path is None]
    if received:
        await asyncio.to_thread(_enter, services, collection, folder, received)
        services.jobs.submit(collection, paths, refused)
    if is_fragment(request):
        return await asyncio.to_thread(_progress_page, request, services, scopes)
    return RedirectResponse("/documents#progress", status_code=303)


def _called_now(services: Services, collection: str, before: dict[int, str]) -> str:
    """The name of the collection that was meant, which may have got another while the files came."""
    meant = next((id_ for id_, name in before.items() if name == collection), 0)
    return services.catalog.names(services.catalog.everything()).get(meant, collection)


def _enter(services: Services, collection: str, folder: Path, received: list[Received]) -> None:
    """Each file's row of the list. Where that cannot be written nothing was sent."""
    try:
        files = [SentFile(one.name, one.size, one.reason) for one in received]
        enter_sent(services.catalog.engine, make_collection(services.catalog.engine, collection), folder, files)
    except BaseException:
        for one in received:
            if one.path is not None and not bring_back(services.settings, one.path):
                one.path.unlink(missing_ok=True)
        raise


def _progress_page(request: Request, services: Services, scopes: Callable[[], Scope]) -> Response:
    return page(request, "_progress.html", **progress(services, scopes()))


def _check_writable(services: Services, collection: str, scopes: Callable[[], Scope]) -> None:
    """Raises NotFound for a collection that is there and of which the asker may not read everything, and for a new
    one where the asker has no collection whole. What the asker may read is asked after what is there: another upload
    may have made the collection while this one came."""
    there = services.catalog.named([collection], services.catalog.everything()).collections
    scope = scopes()
    if not (there <= scope.whole_collections if there else scope.is_whole_collections):
        raise NotFound("Files cannot be added to this collection.", "Choose another name.")


@router.post("/documents/jobs/{job_id}/cancel")
async def cancel_job(job_id: str, services: ServicesDep, scope: ScopeDep) -> Response:
    """End what waits or runs: what it has read is kept, what was sent and is not read yet will not be."""
    names = await asyncio.to_thread(services.catalog.names, services.catalog.everything())
    hidden = {name for id_, name in names.items() if id_ not in scope.whole_collections}
    job = next((one for one in services.jobs.jobs if one.id == job_id), None)
    if job is None or job.collection in hidden or not scope.is_whole_collections:
        raise NotFound("There is no such work.", "The documents page shows what waits and what is read.")
    if services.jobs.cancel(job_id) is None:
        return RedirectResponse("/documents?said=late", status_code=303)
    with suppress(TimeoutError):
        await asyncio.wait_for(job.ended.wait(), END_SECONDS)
    await asyncio.to_thread(_cancel_files, services, scope, list(job.paths))
    return RedirectResponse("/documents?said=stopped", status_code=303)


def _cancel_files(services: Services, scope: Scope, paths: list[Path]) -> None:
    """What was sent and is not read is gone; of a newer version of something the older one is the file again."""
    unread = [entry for entry in services.catalog.entries_at(paths, scope) if is_unread(entry)]
    waiting = [known_id(entry) for entry in unread if entry.state == WAITING]
    cancel_sent(services.catalog.engine, waiting, scope, now())
    for entry in unread:
        if entry.state != WAITING:
            bring_back(services.settings, Path(entry.root) / entry.path)
