"""The route class of everything that a browser opens: `APIRouter(route_class=PageRoute)`.

It asks for the page password where one is set, gives newcomers their cookie, and turns what went wrong into a page, or
into a notice inside the page that is open.
"""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from server.web.bodies import FormRequest
from server.web.pages.shell import problem_page
from server.web.problems import HANDLED, describe
from server.web.session import get_sessions

OPEN_TO_ALL = frozenset({"/login", "/theme", "/favicon.ico"})


class PageRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_visitor(plain: Request) -> Response:
            request = FormRequest(plain.scope, plain.receive)
            sessions = get_sessions(request)
            known = sessions.read(request.cookies)
            request.state.visitor = known or sessions.newcomer()
            if not request.state.visitor.admitted and request.url.path not in OPEN_TO_ALL:
                response = _to_login(request)
            else:
                response = await _answered(handle, request)
            if request.state.visitor != known:
                sessions.write(response, request.state.visitor, https=request.url.scheme == "https")
            return response

        return handle_visitor


async def _answered(handle: Callable[[Request], Coroutine[Any, Any, Response]], request: Request) -> Response:
    try:
        return await handle(request)
    except HANDLED as error:
        return await problem_page(request, describe(error))


def _to_login(request: Request) -> Response:
    if "HX-Request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    back = request.url.path if request.method == "GET" else "/"
    return RedirectResponse(f"/login?next={quote(back)}", status_code=303)


def own_path(address: str) -> str:
    """The path of an address on this server; "/" for anything that could lead elsewhere."""
    path = "/" + address.split("://", 1)[-1].partition("/")[2] if "://" in address else address
    safe = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if safe else "/"
