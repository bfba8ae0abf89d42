"""What every full page shows around its own content: conversations, what is indexed, the model, the theme."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from fastapi import Request
from starlette.responses import Response

from indexer.errors import program
from indexer.knowledge.catalog import CollectionSummary
from indexer.knowledge.tables import now
from indexer.passages import Scope
from server.runtime.services import Services, get_services
from server.views.conversation_list import by_day
from server.views.wording import ago, counted, indexing
from server.web.problems import Problem
from server.web.session import get_visitor
from server.web.templating import fragment, is_fragment, page

log = logging.getLogger(__name__)


def shell(services: Services, scope: Scope, owner: str, current: str = "", search: str = "") -> dict[str, Any]:
    """The context of base.html, with the `collections` that it counted, for a page that shows more of them: they are
    counted once a page. Reads both databases, so call it from a thread. `current` is a conversation's id."""
    return {
        **conversation_list(services, scope, owner, current, search),
        **indexed(services, scope),
        **writer(services),
        "whole": False,
    }


def writer(services: Services) -> dict[str, Any]:
    """Which language model writes the answers, how it is, and how far one is that is fetched."""
    generator = services.generator
    return {
        "model": generator.name if generator else "",
        "model_state": generator.state if generator else None,
        "arrival": services.arrival.state,
    }


def indexed(services: Services, scope: Scope) -> dict[str, Any]:
    """How many documents there are, in words too, and how far indexing is, empty while nothing is read.

    `collections`: the CollectionSummary of each.
    """
    collections = services.catalog.collections(scope)
    documents = sum(collection.documents for collection in collections)
    latest = max((c.updated_at for c in collections if c.updated_at is not None), default=None)
    runs = services.catalog.running(scope)
    return {
        "collections": collections,
        "documents": documents,
        "indexed": f"{counted(documents, 'document')}, updated {ago(latest, now())}" if latest else "Nothing indexed",
        "indexing": indexing(sum(run.done for run in runs), sum(run.total for run in runs))
        if runs or services.jobs.any_open
        else "Getting to know the documents"
        if services.calibrating
        else "",
        "indexer": program("indexer"),
    }


def conversation_list(
    services: Services, scope: Scope, owner: str, current: str = "", search: str = ""
) -> dict[str, Any]:
    lines = services.conversations.lines(owner, search)
    found = services.conversations.found(lines, search) if search else {}
    return {"days": by_day(lines, now(), found, search, scope), "current": current, "search": search}


def choices(collections: Iterable[CollectionSummary]) -> list[str]:
    """The names of those that hold something: what a question can be asked of."""
    return [collection.name for collection in collections if collection.documents]


async def problem_page(request: Request, problem: Problem) -> Response:
    """A problem for a browser: a notice inside the page that is open, or a page of its own."""
    return await asyncio.to_thread(_problem_page, request, problem)


def _problem_page(request: Request, problem: Problem) -> Response:
    if is_fragment(request):
        return page(request, "_notice.html", problem.status, problem.headers, problem=problem)
    try:
        services = get_services(request)
        around = shell(services, services.scope_of(request), get_visitor(request).owner)
    except Exception:  # the page that tells of a failure must not fail for the same reason
        log.exception("the page around a problem could not be made")
        return page(request, "problem_bare.html", problem.status, problem.headers, problem=problem)
    return page(request, "problem.html", problem.status, problem.headers, problem=problem, **around)


def bare_problem(problem: Problem) -> str:
    """The page of a problem that came before any route: for `exception_handlers` and `Guard`."""
    return fragment("problem_bare.html", problem=problem, theme="system")
