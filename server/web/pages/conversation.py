"""The pages: a new question, a conversation, the password, the theme."""

import asyncio
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from indexer.knowledge.chosen import MOST_DOCUMENTS
from server.runtime.services import ScopeDep, ServicesDep
from server.sessions import YEAR
from server.views.export import conversation_markdown, file_name
from server.web.pages.choice import Documents, chosen_ids, narrowed_to, page_choice, shown_choice, wanted_of
from server.web.pages.page_route import PageRoute, own_path
from server.web.pages.shell import choices, conversation_list, indexed, shell
from server.web.pages.turn_html import shown_turn
from server.web.parameters import MaybeRow
from server.web.session import OwnerDep, SessionsDep
from server.web.templating import THEMES, is_fragment, page, static

SEARCH_LENGTH = 200  # characters
LATER = "every 3s"  # how often a page asks for what is not there yet

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/")
def new_question(
    request: Request,
    services: ServicesDep,
    scope: ScopeDep,
    owner: OwnerDep,
    document: Documents,
    deleted: str = "",
    collection: str | None = None,
) -> Response:
    """`collection` or each `document`: what is asked, where an address chooses it."""
    context = shell(services, scope, owner)
    chosen = page_choice(services, scope, owner, "", collection, document)
    title = services.conversations.deleted_title(deleted, owner) if deleted else None
    return page(
        request,
        "chat.html",
        **context,
        title="New question",
        conversation="",
        turns=[],
        running=None,
        last=None,
        choices=choices(context["collections"]),
        choice=chosen,
        at="/",
        deleted={"id": deleted, "title": title} if title else None,
        examples=services.examples.known(narrowed_to(services, scope, chosen)),
        ask_for_examples="load",
    )


@router.get("/examples")
def examples(
    request: Request, services: ServicesDep, scope: ScopeDep, document: Documents, collection: str = ""
) -> Response:
    """Questions for a first visit, of what is chosen; the page asks again while the search cannot say what can be
    answered."""
    chosen = shown_choice(services, scope, wanted_of(collection, chosen_ids(document)[:MOST_DOCUMENTS]))
    scope = narrowed_to(services, scope, chosen)
    found = services.examples.known(scope)
    something = bool(found) or services.catalog.has_documents(scope)
    if something and not found:
        found = services.examples.find(scope, services.change, services.finds)
    later = not found and (services.retriever is None or not (something or chosen.chips))
    return page(request, "_examples.html", examples=found, ask_for_examples=LATER if later else "", choice=chosen)


@router.get("/indexed")
def indexed_now(request: Request, services: ServicesDep, scope: ScopeDep) -> Response:
    return page(request, "_indexed.html", **indexed(services, scope))


@router.get("/welcome")
def welcome(request: Request, services: ServicesDep, scope: ScopeDep) -> Response:
    """What a first visit sees above the box, followed while there is nothing to ask about."""
    return page(request, "_welcome.html", **indexed(services, scope), deleted=None)


@router.get("/c/{conversation}")
def conversation(
    request: Request,
    conversation: str,
    services: ServicesDep,
    scope: ScopeDep,
    owner: OwnerDep,
    document: Documents,
    at: MaybeRow = None,
    edit: MaybeRow = None,
    collection: str | None = None,
) -> Response:
    """Its newest branch, or the one that holds the turn `at`; with a field to change the question of `edit`. What is
    asked next is what an address chooses, or what was asked last."""
    turns = services.conversations.turns(conversation, owner, at)
    running = next((turn.id for turn in turns if turn.state == "running"), None)
    context = shell(services, scope, owner, conversation)
    return page(
        request,
        "chat.html",
        **context,
        title=services.conversations.title(conversation, owner),
        conversation=conversation,
        turns=[
            shown_turn(turn, scope, services.rendered, has_model=services.has_model, editing=turn.id == edit)
            for turn in turns
        ],
        running=running,
        last=turns[-1].id if turns else None,
        choices=choices(context["collections"]),
        choice=page_choice(services, scope, owner, conversation, collection, document),
        at=f"/c/{conversation}",
        deleted=None,
    )


@router.get("/conversations")
def find_conversations(
    request: Request, services: ServicesDep, scope: ScopeDep, owner: OwnerDep, search: str = ""
) -> Response:
    """The list beside every page, narrowed to what holds the words; without JavaScript with a page around it."""
    search = search.strip()[:SEARCH_LENGTH]
    if is_fragment(request):
        return page(request, "_conversations.html", **conversation_list(services, scope, owner, "", search))
    kept = services.settings.keep_conversations_days
    return page(request, "conversations.html", **shell(services, scope, owner, search=search), days_kept=kept)


@router.get("/c/{conversation}/export")
def export_conversation(
    conversation: str, services: ServicesDep, scope: ScopeDep, owner: OwnerDep, at: MaybeRow = None
) -> Response:
    turns = services.conversations.turns(conversation, owner, at)
    title = services.conversations.title(conversation, owner)
    name = quote(f"{file_name(title)}.md", safe="")
    headers = {
        "Content-Disposition": f"attachment; filename=\"conversation.md\"; filename*=UTF-8''{name}",
        "Cache-Control": "no-store",
    }
    text = conversation_markdown(title, turns, scope)
    return Response(text, media_type="text/markdown; charset=utf-8", headers=headers)


@router.post("/c/{conversation}/title")
def rename_conversation(
    conversation: str, services: ServicesDep, owner: OwnerDep, title: Annotated[str, Form()] = ""
) -> Response:
    """An empty title changes nothing."""
    if title.strip():
        services.conversations.rename(conversation, owner, title)
    services.conversations.title(conversation, owner)  # raises NotFound
    return RedirectResponse(f"/c/{conversation}", status_code=303)


@router.post("/c/{conversation}/delete")
async def delete_conversation(conversation: str, services: ServicesDep, owner: OwnerDep) -> Response:
    for turn in await asyncio.to_thread(services.conversations.running, conversation, owner):
        await services.turns.stop(turn, owner)
    await asyncio.to_thread(services.conversations.delete, conversation, owner)
    services.rendered.forget(conversation)
    return RedirectResponse(f"/?deleted={conversation}", status_code=303)


@router.post("/c/{conversation}/restore")
def restore_conversation(conversation: str, services: ServicesDep, owner: OwnerDep) -> Response:
    services.conversations.restore(conversation, owner)
    return RedirectResponse(f"/c/{conversation}", status_code=303)


@router.post("/theme")
def choose_theme(request: Request, theme: Annotated[str, Form()] = "system") -> Response:
    """For browsers without JavaScript; the page's own script sets the same cookie."""
    response = RedirectResponse(own_path(request.headers.get("Referer", "")), status_code=303)
    response.set_cookie("docent_theme", theme if theme in THEMES else "system", max_age=YEAR, samesite="lax")
    return response


@router.get("/favicon.ico")
def icon() -> Response:
    """What browsers ask for beside an original file, which names no icon."""
    return RedirectResponse(static("icon.svg"), status_code=307)


@router.get("/login")
def login_form(request: Request, next: str = "/") -> Response:  # noqa: A002 (the name in the address)
    return page(request, "login.html", next=own_path(next), wrong=False)


@router.post("/login")
def login(
    request: Request,
    sessions: SessionsDep,
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002
) -> Response:
    address = request.client.host if request.client else ""
    visitor = sessions.log_in(password, request.cookies, address)
    if visitor is None:
        return page(request, "login.html", 401, next=own_path(next), wrong=True)
    request.state.visitor = visitor
    return RedirectResponse(own_path(next), status_code=303)
