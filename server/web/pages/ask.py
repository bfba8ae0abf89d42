"""Asking: the form, the stream of an answer, stop, and what the asker thought of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from indexer.passages import Scope
from server.answering.context_window import why_too_long
from server.conversations.shapes import TurnView
from server.errors import BadRequest
from server.library.follow_ups import rests_on
from server.runtime.services import ScopeDep, ScopesDep, Services, ServicesDep
from server.views.presentation import heading, readable_part
from server.web.pages.choice import MOST_SENT, chosen_ids, to_ask, wanted_of
from server.web.pages.page_route import PageRoute
from server.web.pages.shell import conversation_list
from server.web.pages.turn_html import LAG_SECONDS, TurnStream, finished, shown_turn
from server.web.parameters import LastEventId, MaybeRow, RowId, Whole
from server.web.session import OwnerDep
from server.web.templating import page

REMARK_LENGTH = 1000
SHORTEN = "Shorten it and send it again."

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.post("/ask")
async def ask(
    request: Request,
    services: ServicesDep,
    scope: ScopeDep,
    owner: OwnerDep,
    document: Annotated[list[MaybeRow], Form(default_factory=list, max_length=MOST_SENT)],
    question: Annotated[str, Form()] = "",
    conversation: Annotated[str, Form()] = "",
    after: Annotated[MaybeRow, Form()] = None,
    instead_of: Annotated[MaybeRow, Form()] = None,
    collection: Annotated[str, Form()] = "",
    spelling: Annotated[str, Form()] = "",
) -> Response:
    """HTMX gets the running turn at once; a browser without JavaScript waits for the answer.

    A question instead of another gets the whole branch that it ends, since what came after the other is not on it. Who
    wants another spelling searched for need not wait until the answer to the wrong one has ended.
    """
    question = question.strip()
    if not question:
        raise BadRequest("The question is empty.", "Write one and send it again.", param="question")
    if problem := await asyncio.to_thread(why_too_long, question, services.generator):
        raise BadRequest(problem, SHORTEN, param="question")
    fields = await request.form()
    if conversation and not {"collection", "document"} & set(fields):  # away from the question box, without JavaScript
        wanted = await asyncio.to_thread(services.conversations.asked_of, conversation, owner)
    else:
        wanted = wanted_of(collection, chosen_ids(document))
    asked_of = await asyncio.to_thread(to_ask, services, scope, wanted)
    exact = spelling == "exact"
    if exact and instead_of is not None:
        await services.turns.stop(instead_of, owner)
    turn = await services.turns.start(
        question,
        owner,
        asked_of.narrows(scope),
        conversation or None,
        after=after,
        instead_of=instead_of,
        asked_of=asked_of,
        exact=exact,
    )
    if "HX-Request" not in request.headers:
        await services.turns.wait(turn.id, owner)
        return RedirectResponse(f"/c/{turn.conversation_id}#turn-{turn.id}", status_code=303)
    return await asyncio.to_thread(_asked, request, services, scope, owner, turn, branch=instead_of is not None)


def _asked(request: Request, services: Services, scope: Scope, owner: str, turn: TurnView, *, branch: bool) -> Response:
    """The new turn, or the whole branch that it ends, and what changes around it."""
    lines = conversation_list(services, scope, owner, turn.conversation_id)
    title = next((line.title for _day, group in lines["days"] for line in group if line.id == lines["current"]), "")
    shown = services.conversations.turns(turn.conversation_id, owner, turn.id) if branch else [turn]
    return page(
        request,
        "_asked.html",
        200,
        {"HX-Push-Url": f"/c/{turn.conversation_id}"},
        turns=[shown_turn(item, scope, services.rendered, has_model=services.has_model) for item in shown],
        conversation=turn.conversation_id,
        title=title,
        running=turn.id,
        last=turn.id,
        **lines,
    )


@router.post("/ask/fits")
def fits(services: ServicesDep, question: Annotated[str, Form()] = "") -> Response:
    """Why a text cannot be asked, before it is: plain words, empty where it can."""
    problem = why_too_long(question.strip(), services.generator)
    return Response(problem, media_type="text/plain; charset=utf-8")


async def get_turn(turn_id: RowId, services: ServicesDep, owner: OwnerDep) -> TurnView:
    return await asyncio.to_thread(services.conversations.turn, turn_id, owner)


TurnDep = Annotated[TurnView, Depends(get_turn)]


@router.get("/turns/{turn_id}/events", response_class=EventSourceResponse)
async def events(
    turn: TurnDep,
    services: ServicesDep,
    scopes: ScopesDep,
    owner: OwnerDep,
    last_event_id: LastEventId = 0,
) -> AsyncIterator[ServerSentEvent]:
    """The running turn from where the page left off, then the finished one."""
    stream = TurnStream(turn, last_event_id, has_model=services.has_model)
    for message in await asyncio.to_thread(list, stream.begin()):
        yield message
    async with aclosing(services.turns.follow(turn.id, owner, pause=LAG_SECONDS)) as batches:
        async for batch in batches:
            for message in await asyncio.to_thread(list, stream.messages(batch) if batch else stream.rest()):
                yield message
    yield await asyncio.to_thread(_finished, services, scopes, turn.id, owner)


def _finished(services: Services, scopes: Callable[[], Scope], turn_id: int, owner: str) -> ServerSentEvent:
    turn = services.conversations.turn(turn_id, owner)
    return finished(shown_turn(turn, scopes(), services.rendered, has_model=services.has_model))


@router.get("/turns/{turn_id}/next")
def follow_ups(request: Request, turn: TurnDep, services: ServicesDep, scope: ScopeDep, owner: OwnerDep) -> Response:
    """What may be asked next; a page asks for it once the answer is there and in sight."""
    readable = readable_part(turn, scope)
    near = rests_on((view.citation for view in (*readable.citations, *readable.quotes)), readable.evidence)
    asked = [one.question for one in services.conversations.turns(turn.conversation_id, owner, turn.id)]

    def answers(question: str, inside: Scope, document_id: int) -> bool:
        return services.answers(question, asked, inside, document_id)

    inside = turn.asked_of.narrows(scope)
    found = services.follow_ups.of(turn.id, services.change, near, asked, inside, answers)
    return page(request, "_follow_ups.html", turn=turn, questions=found)


@router.get("/turns/{turn_id}/edit")
def edit(request: Request, turn: TurnDep) -> Response:
    """The field in which a question can be changed; without JavaScript it comes with the conversation's page."""
    return page(request, "_edit.html", turn=turn)


@router.get("/turns/{turn_id}/heading")
def heading_again(request: Request, turn: TurnDep) -> Response:
    """The question as it stands above its answer, for who does not change it after all."""
    return page(request, "_heading.html", turn=turn, heading=heading(turn.question), was_edited=True)


@router.post("/turns/{turn_id}/stop")
async def stop(request: Request, turn: TurnDep, services: ServicesDep, owner: OwnerDep) -> Response:
    await services.turns.stop(turn.id, owner)
    if "HX-Request" in request.headers:
        return Response(status_code=204)
    return RedirectResponse(f"/c/{turn.conversation_id}#turn-{turn.id}", status_code=303)


@router.post("/turns/{turn_id}/feedback")
async def feedback(
    request: Request,
    turn: TurnDep,
    services: ServicesDep,
    owner: OwnerDep,
    value: Annotated[Whole, Form()] = 0,
    remark: Annotated[str, Form()] = "",
) -> Response:
    value = max(-1, min(1, value))
    await asyncio.to_thread(services.conversations.give_feedback, turn.id, owner, value, remark[:REMARK_LENGTH])
    if "HX-Request" not in request.headers:
        return RedirectResponse(f"/c/{turn.conversation_id}#turn-{turn.id}", status_code=303)
    thanked = bool(remark.strip()) or value == 1
    return await asyncio.to_thread(page, request, "_feedback.html", turn_id=turn.id, value=value, thanked=thanked)
