"""The one mapping from exceptions to HTTP.

Under /v1, and for the paths that machines read, a problem has OpenAI's shape; elsewhere it is a page. A client never
sees a traceback: what was not foreseen is logged with an id, and the client is told the id.
"""

import logging
import secrets
import sqlite3
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from html import escape
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DatabaseError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.errors import BusyError, DocentError
from indexer.knowledge.database import damaged, is_damaged, sqlite_code
from server.errors import RequestError, TooBusy

log = logging.getLogger(__name__)

NOTHING_HERE = "There is nothing at this address."
LOCAL_PATHS = "/local/"  # for commands on this machine alone, which know the token in server.json
MACHINE_PATHS = ("/v1/", LOCAL_PATHS, "/healthz", "/readyz", "/metrics")
MOST_PARAM = 200  # characters of a field's name that a client is told: it may be the client's own
BUSY_SECONDS = 10  # after which a client may try again what a locked database refused

HANDLED: tuple[type[Exception], ...] = (DocentError, RequestValidationError, HTTPException, DatabaseError)
"""What a route may raise, as far as it was foreseen."""

_DATABASE_BUSY = (
    "database_busy",
    "The database is busy: another program, perhaps `indexer rebuild`, has been writing to it for some time. Nothing "
    "of this was saved. Try again in a moment, or when that program is done.",
)
_DISK_FULL = ("disk_full", "The disk is full. Free some space, then try again.")
_DISK_FAILED = (
    "disk_failed",
    "The disk that Docent keeps its data on could not be read or written. Whoever runs Docent should check that the "
    "disk is there, sound and not full, then start Docent again.",
)
_NOT_WRITABLE = (
    "data_not_writable",
    "Docent cannot open or write the files of its data folder. Whoever runs Docent should check that the folder is "
    "there and that Docent's user may write to all that is in it, then start Docent again.",
)
_OF_DATABASE = {
    sqlite3.SQLITE_BUSY: _DATABASE_BUSY,
    sqlite3.SQLITE_LOCKED: _DATABASE_BUSY,
    sqlite3.SQLITE_FULL: _DISK_FULL,
    sqlite3.SQLITE_IOERR: _DISK_FAILED,
    sqlite3.SQLITE_READONLY: _NOT_WRITABLE,
    sqlite3.SQLITE_CANTOPEN: _NOT_WRITABLE,
    sqlite3.SQLITE_PERM: _NOT_WRITABLE,
}
"""SQLite's result codes that people can do something about: the problem's code, and the words."""


@dataclass(frozen=True)
class Problem:
    """What a client is told."""

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, dict[str, str | None]]:
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


def describe(error: Exception) -> Problem:
    """The problem that an exception stands for; the unforeseen is logged here."""
    if isinstance(error, RequestError):
        return Problem(error.status, str(error), error.type, error.param, error.code, _headers(error))
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, HTTPException):
        type_ = "invalid_request_error" if error.status_code < 500 else "server_error"
        return Problem(error.status_code, _sentence(error), type_, headers=dict(error.headers or {}))
    if isinstance(error, BusyError):
        return Problem(503, str(error), "server_error", code="database_busy", headers=_later())
    if isinstance(error, DocentError):
        return Problem(503, str(error), "server_error")
    if isinstance(error, DatabaseError):
        return _of_database(error) or _unforeseen(error)
    return _unforeseen(error)


def respond(path: str, problem: Problem, page: Callable[[Problem], str] | None = None) -> Response:
    """The response to a request for `path`; `page` renders the HTML."""
    if is_for_machines(path):
        return JSONResponse(problem.body(), problem.status, problem.headers)
    try:
        html = (page or plain_page)(problem)
    except Exception:  # telling of a failure must not fail
        log.exception("the page of a problem could not be made")
        html = plain_page(problem)
    return HTMLResponse(html, problem.status, problem.headers)


def is_for_machines(path: str) -> bool:
    return f"{path}/".startswith(MACHINE_PATHS)


def plain_page(problem: Problem) -> str:
    """A page that needs no template."""
    phrase = reason_phrase(problem.status)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{phrase}</title><main><h1>{phrase}</h1>'
        f'<p>{escape(problem.message)}</p><p><a href="/">To the start page</a></p></main></html>'
    )


def reason_phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Problem"


class ProblemBoundary:
    """ASGI: what the application did not foresee becomes a 500 with an id, if nothing was sent yet."""

    def __init__(self, app: ASGIApp, page: Callable[[Problem], str] | None = None) -> None:
        self.app = app
        self.page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            await respond(scope["path"], describe(error), self.page)(scope, receive, send)


def exception_handlers(
    page: Callable[[Problem], str] | None = None,
) -> dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]]:
    """For `FastAPI(exception_handlers=...)`."""

    async def handle(request: Request, error: Exception) -> Response:
        return respond(request.url.path, describe(error), page)

    return {**dict.fromkeys(HANDLED, handle)}


def _headers(error: RequestError) -> dict[str, str]:
    if isinstance(error, TooBusy):
        return {"Retry-After": str(error.retry_after)}
    if error.status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if error.code in ("model_not_installed", "model_fetching"):
        return {"X-Should-Retry": "false"}  # clients of this API would otherwise ask again, in vain
    return {}


def _invalid(error: RequestValidationError) -> Problem:
    """The first of the validation errors, its place written as a client would write it: messages[0].content."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        reason = first.get("ctx", {}).get("error", "")
        return Problem(400, f"The body is not valid JSON: {reason} at character {first['loc'][-1]}.")
    if first["loc"][0] == "path":
        return Problem(404, NOTHING_HERE)
    param = ""
    for part in first["loc"][1:]:
        if isinstance(part, int):
            param += f"[{part}]"
        elif "[" not in part:  # else it is one of the types that the value may have
            param += f".{part}"
    param = param.lstrip(".")[:MOST_PARAM]
    message = f"{param or 'The body'}: {first['msg']}."
    if not param and first["type"] in ("missing", "model_attributes_type", "dict_type"):
        message = "The body must be a JSON object."
    return Problem(400, message, param=param or None)


def _sentence(error: HTTPException) -> str:
    phrases = {
        404: NOTHING_HERE,
        405: "This address does not take this method.",
    }
    if error.detail == reason_phrase(error.status_code):
        return phrases.get(error.status_code, f"{error.detail}.")
    return error.detail


def _of_database(error: DatabaseError) -> Problem | None:
    """What SQLite refused for a cause that people can mend; None for a mistake of ours."""
    if is_damaged(error.orig):
        code, words = "database_damaged", str(damaged(str(error.orig), "in Docent's data folder"))
    elif cause := _OF_DATABASE.get(sqlite_code(error.orig)):
        code, words = cause
    else:
        return None
    log.error("%s: %s", code, error.orig)
    return Problem(503, words, "server_error", code=code, headers=_later() if code == "database_busy" else {})


def _later() -> dict[str, str]:
    return {"Retry-After": str(BUSY_SECONDS)}


def _unforeseen(error: Exception) -> Problem:
    id_ = secrets.token_hex(4)
    log.error("problem %s: %s", id_, type(error).__name__, exc_info=error)
    message = f"Something went wrong. Try again; if it happens again, look for {id_} in the server's log."
    return Problem(500, message, "server_error", code=f"problem_{id_}")
