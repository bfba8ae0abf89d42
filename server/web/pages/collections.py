"""One collection: another name, all of its files into another one, deleting it. Each form says what will happen."""

import asyncio
from datetime import UTC
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from indexer.knowledge.collections import Moved, move_files, move_folders, rename_collection
from indexer.knowledge.file_query import FileQuery
from indexer.knowledge.tables import now
from indexer.knowledge.trash import delete_together, is_upload
from indexer.passages import Scope
from server.errors import Conflict, NotFound
from server.library.upload_folders import note, open_folder
from server.library.uploads import collection_name
from server.runtime.services import ScopeDep, Services, ServicesDep
from server.views.library_view import moved_words
from server.views.wording import counted
from server.web.pages.file_list import follow
from server.web.pages.page_route import PageRoute
from server.web.pages.shell import shell
from server.web.parameters import RowId, Whole
from server.web.session import OwnerDep
from server.web.templating import page

MOST = 200_000  # files of a collection that are deleted or moved with it

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/documents/collections/{collection_id}")
def collection(
    request: Request, collection_id: RowId, services: ServicesDep, scope: ScopeDep, owner: OwnerDep
) -> Response:
    names = _names(services, scope)
    name = _name(names, collection_id)
    files = services.catalog.count_files(FileQuery(collection=collection_id), scope)
    return page(
        request,
        "collection.html",
        **shell(services, scope, owner),
        id=collection_id,
        called=name,
        files=counted(files, "file"),
        folders=_folders(services, scope, collection_id),
        others={id_: other for id_, other in names.items() if id_ != collection_id},
    )


def _names(services: Services, scope: Scope) -> dict[int, str]:
    """Of the collections that may be changed: those of which the asker may read everything."""
    return {id_: name for id_, name in services.catalog.in_use(scope).items() if id_ in scope.whole_collections}


def _name(names: dict[int, str], collection_id: int) -> str:
    if collection_id not in names:
        raise NotFound("There is no such collection any more.", "It may have been deleted, or its files moved.")
    return names[collection_id]


def _folders(services: Services, scope: Scope, collection_id: int) -> list[str]:
    """Those that were given to `indexer ingest`."""
    roots = [root for id_, _, root in services.catalog.roots(scope) if id_ == collection_id]
    return [root for root in roots if not is_upload(services.settings, root)]


@router.post("/documents/collections/{collection_id}/rename")
async def rename(
    collection_id: RowId,
    services: ServicesDep,
    scope: ScopeDep,
    name: Annotated[str, Form()] = "",
    before: Annotated[str, Form()] = "",
) -> Response:
    """Waiting work and running work go on under the new name."""
    wanted = collection_name(name)
    old = _name(await asyncio.to_thread(_names, services, scope), collection_id)
    if wanted == old:
        return RedirectResponse("/documents", status_code=303)
    running = await asyncio.to_thread(services.catalog.running, scope)
    if not services.jobs.rename(old, wanted, has_begun=any(run.collection_id == collection_id for run in running)):
        raise Conflict("Its files begin to be read just now.", "Nothing was changed. Try again in a moment.")
    done = await asyncio.to_thread(rename_collection, services.catalog.engine, collection_id, before or old, wanted)
    if done != "renamed":
        services.jobs.rename(wanted, old, has_begun=True)
    if done == "taken":
        raise Conflict(f"There is a collection {wanted!r} already.", "Move the files there, or choose another name.")
    if done == "changed":
        raise Conflict("It has got another name meanwhile.", "Nothing was changed. Open the page again to see it.")
    if done == "gone":
        raise NotFound("There is no such collection any more.")
    await asyncio.to_thread(_note, services, scope, collection_id, wanted)
    return RedirectResponse("/documents?said=renamed", status_code=303)


def _note(services: Services, scope: Scope, collection_id: int, name: str) -> None:
    for id_, _, root in services.catalog.roots(scope):
        if id_ == collection_id and is_upload(services.settings, root) and Path(root).is_dir():
            note(Path(root), name)


@router.post("/documents/collections/{collection_id}/move")
async def move(
    request: Request,
    collection_id: RowId,
    services: ServicesDep,
    scope: ScopeDep,
    owner: OwnerDep,
    into: Annotated[Whole, Form()] = 0,
) -> Response:
    """All files, and the folders as a whole, into another collection."""
    names = await asyncio.to_thread(_names, services, scope)
    _name(names, collection_id)
    if into not in names or into == collection_id:
        raise NotFound("There is no such collection any more.", "Nothing was moved. Choose another one.")
    await _check_quiet(services, scope, {collection_id: names[collection_id], into: names[into]})

    def moved() -> tuple[Moved, int | None]:
        engine, settings = services.catalog.engine, services.settings
        folders = move_folders(settings, engine, collection_id, into)
        ids = services.catalog.file_ids(FileQuery(collection=collection_id), scope, MOST)
        done = move_files(settings, engine, ids, scope, into, open_folder(settings, engine, names[into]))
        follow(services)
        return done, folders

    done, folders = await asyncio.to_thread(moved)
    if done.same_name or folders is None:
        what = "Its folders lie in or around those of the other collection, and stay. " if folders is None else ""
        raise Conflict(f"{what}{moved_words(done, names[into])}")
    return RedirectResponse("/documents?said=merged", status_code=303)


@router.post("/documents/collections/{collection_id}/delete")
async def delete(collection_id: RowId, services: ServicesDep, scope: ScopeDep) -> Response:
    """All of its files, which can be brought back together; what waits for it is not read."""
    name = _name(await asyncio.to_thread(_names, services, scope), collection_id)
    await _check_quiet(services, scope, {collection_id: name}, but_waiting=True)
    ids = await asyncio.to_thread(services.catalog.file_ids, FileQuery(collection=collection_id), scope, MOST)
    for job in services.jobs.jobs:
        if job.collection == name:
            services.jobs.cancel(job.id)
    moment = now()
    engine = services.catalog.engine
    await asyncio.to_thread(delete_together, services.settings, engine, ids, scope, moment, whole=True)
    await asyncio.to_thread(follow, services)
    return RedirectResponse(f"/documents?together={moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}", status_code=303)


async def _check_quiet(
    services: Services, scope: Scope, collections: dict[int, str], *, but_waiting: bool = False
) -> None:
    """Raises Conflict while files are read into one of these, or wait to be."""
    running = {run.collection_id for run in await asyncio.to_thread(services.catalog.running, scope)}
    open_jobs = [job for job in services.jobs.jobs if job.ended_at is None and job.collection in collections.values()]
    if running & set(collections) or any(job.state == "running" or not but_waiting for job in open_jobs):
        raise Conflict(
            "Files are being read into it, or wait to be.", "Nothing was changed. Try again when they are read."
        )
