"""The list of files as the documents page shows it: which of them, where each stands, what is being read."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from indexer.errors import program
from indexer.knowledge.catalog import SORTS, FileRow
from indexer.knowledge.file_query import FileQuery
from indexer.knowledge.seen import unseen_files
from indexer.knowledge.tables import WAITING, IngestRun, LedgerEntry, now
from indexer.knowledge.trash import is_upload
from indexer.passages import Scope
from server.library.job import Job
from server.runtime.services import Services
from server.views.library_view import (
    STATES,
    Standing,
    file_line,
    job_lines,
    run_lines,
    unread_kinds,
    unseen_line,
    waits,
)
from server.views.wording import aware, counted
from server.web.parameters import Whole
from server.web.templating import is_fragment, page

PAGE = 100  # files shown at once; 200 took 65 ms of a core (benchmarks/pages.py)


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


def address(query: FileQuery, **changed: object) -> str:
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


def table(services: Services, scope: Scope, query: FileQuery) -> dict[str, Any]:
    """What `_files.html` shows. Reads the database, so call it from a thread."""
    total = services.catalog.count_files(query, scope)
    every = replace(query, without_unread_kinds=False)
    kinds = services.catalog.unread_kinds(every, scope) if query.without_unread_kinds else {}
    rows = services.catalog.files(query, scope)
    alike = services.catalog.alike([row.document_id for row in rows if row.document_id is not None], scope)
    moment = now()
    return {
        "files": [
            file_line(
                row,
                moment,
                alike.get(row.document_id or 0),
                standing(services, row.entry),
                is_kept=not _was_refused(services, row),
            )
            for row in rows
        ],
        "total": total,
        "total_words": counted(total, "file"),
        "unread": unread_kinds(kinds),
        "query": query,
        "states": services.catalog.file_states(scope, query),
        "is_empty": not (total or services.catalog.file_states(scope)),
        "state_names": STATES,
        "address": lambda **changed: address(query, **changed),
        "suffix": address(query).removeprefix("/documents"),
        "part": query.offset // PAGE + 1,
        "parts": max(1, -(-total // PAGE)),
        "indexer": program("indexer"),
        "unseen": unseen_line(unseen_files(services.catalog.engine, query, scope)),
    }


def _was_refused(services: Services, row: FileRow) -> bool:
    entry = row.entry
    return entry.state == "skipped" and not entry.sha256 and is_upload(services.settings, entry.root)


def standing(services: Services, entry: LedgerEntry) -> Standing | None:
    """Of a file that waits or is being read; None for one that is as its entry says."""
    if entry.deleted_at is not None:
        return None
    is_new = entry.state == WAITING
    job = services.jobs.of_path(Path(entry.root) / entry.path)
    if job is None:
        return Standing("Waits to be read", True) if is_new else None
    if job.state == "waiting":
        return Standing(waits(services.jobs.before(job)), True)
    if job.state == "held":
        return Standing("Waiting: another command writes to the documents", True)
    is_settled = job.began_at is not None and aware(entry.updated_at) >= job.began_at
    return Standing("Being read", is_new) if is_new or not is_settled else None


def progress(services: Services, scope: Scope) -> dict[str, Any]:
    """Runs and jobs name files, so they are for those who may read all of their collection. A new collection is there
    for nobody until its first job has begun: till then that job is for all who have whole ones."""
    names = services.catalog.names(services.catalog.everything())
    hidden = {name for id_, name in names.items() if id_ not in scope.whole_collections}
    running = services.catalog.running(scope)
    jobs = [job for job in services.jobs.jobs if job.collection not in hidden] if scope.is_whole_collections else []
    ended = any(_run_has_ended(services, names, job) for job in jobs if job.state == "running")
    return {
        "runs": run_lines(running, names, jobs),
        "jobs": job_lines(jobs, running_now=bool(running), finishing=ended),
    }


def _run_has_ended(services: Services, names: dict[int, str], job: Job) -> bool:
    """Whether all files of a job that goes on are read: what its command does then takes a while."""
    id_ = next((id_ for id_, name in names.items() if name == job.collection), 0)
    run: IngestRun | None = services.catalog.last_run(id_)
    if run is None or run.finished_at is None or job.began_at is None:
        return False
    return aware(run.started_at) >= job.began_at


def follow(services: Services) -> None:
    """Have the search take up what was changed, before the next question. Blocks."""
    if services.retriever is not None:
        services.retriever.follow()


def back(
    request: Request,
    services: Services,
    scope: Scope,
    query: FileQuery,
    template: str = "_files.html",
    said: str = "",
) -> Response:
    """The table anew; with `_files_undo.html` there is nothing to undo any more, and `said` stands above it."""
    if is_fragment(request):
        return page(request, template, **table(services, scope, query), undo=None, said=said)
    return RedirectResponse(address(query), status_code=303)
