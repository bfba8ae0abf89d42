"""The OpenAI-compatible API: chat completions with citations, models, embeddings."""

import asyncio
import base64
import json
import logging
import struct
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.requests import ClientDisconnect

from indexer.knowledge.tables import Scope
from server.answering.events import Answer, AnswerEvent, Evidence, Progress, Sources, Text
from server.errors import BadRequest, NotFound, Unavailable
from server.llm.generator import TokenLogprob
from server.runtime.services import ScopeDep, Services, ServicesDep
from server.web.api.completion_shapes import Completion, to_question
from server.web.api.schemas import MAX_INPUTS, ChatRequest, EmbeddingRequest
from server.web.disconnect import while_connected
from server.web.problems import describe

log = logging.getLogger(__name__)

CLIENT_GONE = 499  # nobody reads it; it is what the metrics count
EMBEDDINGS_AT_ONCE = 32  # texts, between looks whether the client is still there
ACCEPTED = frozenset({"queued", "reading", "writing"})

router = APIRouter(prefix="/v1")


@router.post("/chat", include_in_schema=False)
@router.post("/chat/completions")
async def chat_completions(body: ChatRequest, request: Request, services: ServicesDep, scope: ScopeDep) -> Response:
    question = to_question(body, await narrowed(services, scope, body.docent.collections), services.settings)
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


async def narrowed(
    services: Services, scope: Scope, names: list[str] | None, param: str = "docent.collections"
) -> Scope:
    """The part of `scope` that a client asks for. Raises NotFound; a name that may not be read is as unknown."""
    if names is None:
        return scope
    chosen: frozenset[int] = frozenset()
    for name in names:
        found = await asyncio.to_thread(services.catalog.named, [name], scope)
        if not found.collections:
            raise NotFound(f"There is no collection {name[:100]!r}.", param=param)
        chosen |= found.collections
    return Scope(chosen)


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


async def _whole(events: AsyncIterator[AnswerEvent], completion: Completion) -> Response:
    sources: tuple[Evidence, ...] = ()
    logprobs: list[TokenLogprob] = []
    answer: Answer | None = None
    async with aclosing(events) as stream:  # type: ignore[type-var]
        async for event in stream:
            if isinstance(event, Sources):
                sources = event.evidence
            elif isinstance(event, Text):
                logprobs += event.logprobs
            elif isinstance(event, Answer):
                answer = event
    if answer is None:
        raise RuntimeError("the answer ended without an Answer")
    return JSONResponse(completion.whole(answer, sources, logprobs))


async def _until_accepted(events: AsyncIterator[AnswerEvent]) -> list[AnswerEvent]:
    """The events up to the first that says that an answer is on its way: an error before it has its HTTP status."""
    first: list[AnswerEvent] = []
    async for event in events:
        first.append(event)
        if isinstance(event, Text | Answer) or (isinstance(event, Progress) and event.stage in ACCEPTED):
            break  # the rest is read by _chunks
    return first


async def _chunks(
    first: list[AnswerEvent], events: AsyncIterator[AnswerEvent], completion: Completion, include_usage: bool
) -> AsyncIterator[bytes]:
    """Server-sent events. Comments stand where an asker in the page sees progress, and keep the connection alive."""

    def data(chunk: dict[str, Any]) -> bytes:
        return _data({**chunk, "usage": chunk.get("usage")} if include_usage else chunk)

    sources: tuple[Evidence, ...] = ()
    async with aclosing(events):  # type: ignore[type-var]
        try:
            yield data(completion.chunk({"role": "assistant", "content": ""}))
            async for event in _chained(first, events):
                if isinstance(event, Sources):
                    sources = event.evidence
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


@router.post("/embeddings")
async def embeddings(body: EmbeddingRequest, request: Request, services: ServicesDep) -> Response:
    if body.model not in ("docent", services.settings.embedder):
        raise NotFound(
            f"There is no embedding model {body.model[:100]!r} here.",
            f"This server has {services.settings.embedder}.",
            param="model",
            code="model_not_found",
        )
    texts = body.texts
    if not 1 <= len(texts) <= MAX_INPUTS or not all(texts):
        raise BadRequest(f"Send 1 to {MAX_INPUTS} texts, none of them empty.", param="input")
    try:
        vectors, tokens = await _encode(services, request, texts, body.dimensions)
    except ClientDisconnect:
        return Response(status_code=CLIENT_GONE)
    as_base64 = body.encoding_format == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _base64(vector) if as_base64 else vector}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return JSONResponse({"object": "list", "model": body.model, "data": data, "usage": usage})


async def _encode(
    services: Services, request: Request, texts: list[str], dimensions: int | None
) -> tuple[list[list[float]], int]:
    """(vectors, tokens read). Raises Unavailable, BadRequest, ClientDisconnect."""
    await services.opened.wait()
    if services.retriever is None:
        raise Unavailable(f"The search model does not work: {services.search_state.detail}", code="search_failed")
    embedder = services.retriever.embedder
    if dimensions not in (None, embedder.dimension):
        raise BadRequest(f"This model's vectors have {embedder.dimension} dimensions.", param="dimensions")
    vectors: list[list[float]] = []
    for start in range(0, len(texts), EMBEDDINGS_AT_ONCE):
        if await request.is_disconnected():
            raise ClientDisconnect
        vectors += (
            await asyncio.to_thread(embedder.encode_queries, texts[start : start + EMBEDDINGS_AT_ONCE])
        ).tolist()
    return vectors, sum(len(embedder.tokenizer.offsets(text)) for text in texts)


def _base64(vector: list[float]) -> str:
    """Little-endian float32, as the official client asks for."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
