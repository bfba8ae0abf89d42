"""The OpenAI-compatible API: chat completions with citations, and the list of models."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from starlette.requests import ClientDisconnect

from server.answering.events import Answer, AnswerEvent, Evidence, Meanwhile, Progress, Sources, Text
from server.errors import NotFound
from server.llm.generator import TokenLogprob
from server.runtime.services import ScopeDep, Services, ServicesDep, narrowed
from server.web.api.completion_shapes import Completion, to_question
from server.web.api.schemas import REFUSALS, ChatRequest
from server.web.bodies import JsonRoute
from server.web.disconnect import CLIENT_GONE, while_connected
from server.web.json_pieces import JsonInPieces
from server.web.problems import describe

log = logging.getLogger(__name__)

ACCEPTED = frozenset({"queued", "reading", "writing"})

router = APIRouter(prefix="/v1", route_class=JsonRoute, responses=REFUSALS)


@router.post("/chat", include_in_schema=False)
@router.post("/chat/completions", responses={200: {"content": {"text/event-stream": {}}}})
async def chat_completions(body: ChatRequest, request: Request, services: ServicesDep, scope: ScopeDep) -> Response:
    scope = await narrowed(services, scope, body.docent.collections, body.docent.documents)
    question = await asyncio.to_thread(to_question, body, scope, services.settings)
    await _check_model(services, body.model)
    events = while_connected(request, services.answer(question))
    completion = Completion(body.model, str(request.base_url))
    try:
        if not body.stream:
            return await _whole(events, completion)
        accepted = await _until_accepted(events)
    except ClientDisconnect:
        return Response(status_code=CLIENT_GONE)
    include_usage = body.stream_options is not None and body.stream_options.include_usage
    chunks = _chunks(accepted, events, completion, include_usage)
    return StreamingResponse(chunks, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _check_model(services: Services, model: str) -> None:
    """Raises NotFound. `docent` always answers; the language model's own name is known once it is opened."""
    if model == "docent":
        return
    await services.opened.wait()
    if services.generator is None or model != services.generator.name:
        raise NotFound(
            f"There is no model {model[:100]!r} here.",
            "GET /v1/models lists what there is; `docent` always answers.",
            param="model",
            code="model_not_found",
        )


async def _whole(events: AsyncGenerator[AnswerEvent, None], completion: Completion) -> Response:
    sources: tuple[Evidence, ...] = ()
    logprobs: list[TokenLogprob] = []
    answer: Answer | None = None
    async with aclosing(events) as stream:
        async for event in stream:
            if isinstance(event, Sources):
                sources = event.evidence
            elif isinstance(event, Text):
                logprobs += event.logprobs
            elif isinstance(event, Answer):
                answer = event
    if answer is None:
        raise RuntimeError("the answer ended without an Answer")
    return await asyncio.to_thread(_response, completion, answer, sources, logprobs)


def _response(
    completion: Completion, answer: Answer, sources: tuple[Evidence, ...], logprobs: list[TokenLogprob]
) -> Response:
    """Some megabytes of JSON where 20 log probabilities of each token are asked for: call it from a thread."""
    return JsonInPieces(completion.whole(answer, sources, logprobs))


async def _until_accepted(events: AsyncIterator[AnswerEvent]) -> list[AnswerEvent]:
    """The events up to the first that says that an answer is on its way: an error before it has its HTTP status."""
    first: list[AnswerEvent] = []
    async for event in events:
        first.append(event)
        if isinstance(event, Text | Answer) or (isinstance(event, Progress) and event.stage in ACCEPTED):
            break  # the rest is read by _chunks
    return first


async def _chunks(
    first: list[AnswerEvent], events: AsyncGenerator[AnswerEvent, None], completion: Completion, include_usage: bool
) -> AsyncIterator[bytes]:
    """Server-sent events. Comments stand where an asker in the page sees progress, and keep the connection alive."""

    def data(chunk: dict[str, Any]) -> bytes:
        return _data({**chunk, "usage": chunk.get("usage")} if include_usage else chunk)

    sources: tuple[Evidence, ...] = ()
    async with aclosing(events):
        try:
            yield data(completion.chunk({"role": "assistant", "content": ""}))
            async for event in _chained(first, events):
                if isinstance(event, Sources):
                    sources = event.evidence
                elif isinstance(event, Meanwhile):
                    yield data(completion.meanwhile(event.quote, sources))
                elif isinstance(event, Progress):
                    yield f": {event.stage} {event.done}/{event.total}\n\n".encode()
                elif isinstance(event, Text):
                    yield data(completion.chunk({"content": event.delta}, logprobs=event.logprobs))
                elif isinstance(event, Answer):
                    yield data(completion.finish(event, sources))
                    if include_usage:
                        yield data(completion.usage(event.usage))
        except ClientDisconnect:
            return
        except Exception as error:  # the status is sent: the client learns it from the stream
            yield _data(describe(error).body())
            return
    yield b"data: [DONE]\n\n"


async def _chained(first: list[AnswerEvent], events: AsyncIterator[AnswerEvent]) -> AsyncIterator[AnswerEvent]:
    for event in first:
        yield event
    async for event in events:
        yield event


def _data(value: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


@router.get("/models")
async def models(services: ServicesDep) -> dict[str, Any]:
    return {"object": "list", "data": _models(services)}


@router.get("/models/{name:path}")
async def model(name: str, services: ServicesDep) -> dict[str, Any]:
    for found in _models(services):
        if found["id"] == name:
            return found
    raise NotFound(f"There is no model {name[:100]!r} here.", param="model", code="model_not_found")


def _models(services: Services) -> list[dict[str, Any]]:
    names = ["docent", services.model_name, services.settings.embedder]
    return [{"id": name, "object": "model", "created": 0, "owned_by": "docent"} for name in dict.fromkeys(names)]
