"""The pages: a new question, a conversation, the password, the theme."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from server.examples import example_questions
from server.routes.page_route import PageRoute
from server.routes.shell import shell
from server.routes.turn_html import turn_context
from server.services import ScopeDep, ServicesDep
from server.session import YEAR, OwnerDep, SessionsDep, Visitor
from server.templating import THEMES, page, static

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/")
def new_question(request: Request, services: ServicesDep, scope: ScopeDep, owner: OwnerDep) -> Response:
    context = shell(services, scope, owner)
    return page(
        request,
        "chat.html",
        **context,
        title="New question",
        conversation="",
        turns=[],
        running=None,
        examples=example_questions(services.catalog.engine, scope) if context["documents"] else [],
    )


@router.get("/c/{conversation}")
def conversation(
    request: Request, conversation: str, services: ServicesDep, scope: ScopeDep, owner: OwnerDep
) -> Response:
    turns = services.conversations.turns(conversation, owner)
    running = next((turn.id for turn in turns if turn.state == "running"), None)
    return page(
        request,
        "chat.html",
        **shell(services, scope, owner, conversation),
        title=services.conversations.title(conversation, owner),
        conversation=conversation,
        turns=[turn_context(turn) for turn in turns],
        running=running,
        examples=[],
    )


@router.post("/c/{conversation}/delete")
def delete_conversation(request: Request, conversation: str, services: ServicesDep, owner: OwnerDep) -> Response:
    services.conversations.delete(conversation, owner)
    if "HX-Request" in request.headers:
        return Response(status_code=204, headers={"HX-Redirect": "/"})
    return RedirectResponse("/", status_code=303)


@router.get("/language-model")
def language_model(request: Request, services: ServicesDep, scope: ScopeDep, owner: OwnerDep) -> Response:
    """How one is installed: where answers without one lead."""
    return page(request, "language_model.html", **shell(services, scope, owner))


@router.post("/theme")
def choose_theme(request: Request, theme: Annotated[str, Form()] = "system") -> Response:
    """For browsers without JavaScript; the page's own script sets the same cookie."""
    response = RedirectResponse(_own_path(request.headers.get("Referer", "")), status_code=303)
    response.set_cookie("docent_theme", theme if theme in THEMES else "system", max_age=YEAR, samesite="lax")
    return response


@router.get("/favicon.ico")
def icon() -> Response:
    """What browsers ask for beside an original file, which names no icon."""
    return RedirectResponse(static("icon.svg"), status_code=307)


@router.get("/login")
def login_form(request: Request, next: str = "/") -> Response:  # noqa: A002 (the name in the address)
    return page(request, "login.html", next=_own_path(next), wrong=False)


@router.post("/login")
def login(
    request: Request,
    sessions: SessionsDep,
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002
) -> Response:
    address = request.client.host if request.client else ""
    if not sessions.check_password(password, address):
        return page(request, "login.html", 401, next=_own_path(next), wrong=True)
    visitor: Visitor = request.state.visitor
    request.state.visitor = Visitor(visitor.owner, admitted=True)
    return RedirectResponse(_own_path(next), status_code=303)


def _own_path(address: str) -> str:
    """The path of an address on this server; "/" for anything that could lead elsewhere."""
    path = "/" + address.split("://", 1)[-1].partition("/")[2] if "://" in address else address
    safe = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if safe else "/"
