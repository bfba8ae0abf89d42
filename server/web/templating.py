"""Templates and static files: where they lie, how they are addressed, how a page is made from them.

A static file's address carries a hash of its content, so a browser may keep it for good and still sees a new version
at once.
"""

import asyncio
import hashlib
from functools import cache
from pathlib import Path
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_INSTALLED = Path(__file__).parents[1] / "_assets"
ASSETS = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[2]
STATIC = ASSETS / "static"
THEMES = ("system", "light", "dark")


class HashedFiles(StaticFiles):
    """The files under static/: kept for a year when asked for by content hash, otherwise checked each time."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        wanted = scope.get("query_string", b"").decode("latin-1")
        current = response.status_code == 200 and wanted == f"v={await asyncio.to_thread(_hash, path)}"
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if current else "no-cache"
        return response


def static_files() -> HashedFiles:
    """The application to mount at /static."""
    return HashedFiles(directory=STATIC)


def static(name: str) -> str:
    """The address of a static file."""
    return f"/static/{name}?v={_hash(name)}"


@cache
def _hash(name: str) -> str:
    path = STATIC / name
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else "missing"


def _no_method(value: Any) -> Any:
    """What a template puts out. Raises TypeError for a method: in `item.copy` of a dict Jinja finds the dict's own."""
    if isinstance(value, MethodType | BuiltinMethodType | FunctionType):
        raise TypeError(f"a template shows the method {value.__name__!r} instead of a value")
    return value


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ASSETS / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_no_method,
    )
    environment.globals["static"] = static
    return environment


ENVIRONMENT = _environment()


def fragment(name: str, **context: Any) -> str:
    """The HTML of a template."""
    return ENVIRONMENT.get_template(name).render(**context)


def theme(request: Request) -> str:
    """What the visitor chose: system, light or dark."""
    chosen = request.cookies.get("docent_theme", "system")
    return chosen if chosen in THEMES else "system"


def is_fragment(request: Request) -> bool:
    """Whether HTMX asks for a part of a page."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def page(
    request: Request, name: str, status: int = 200, headers: dict[str, str] | None = None, **context: Any
) -> Response:
    """A page or fragment. What a person reads here is private, so no cache keeps it."""
    html = fragment(name, theme=theme(request), **context)
    kept = {"Cache-Control": "no-store", "Vary": "HX-Request, Cookie"}
    return HTMLResponse(html, status_code=status, headers=kept | (headers or {}))
