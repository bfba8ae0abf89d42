"""POST /v1/embeddings: texts to vectors, with the model that searches."""

import asyncio
import base64
import struct

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.requests import ClientDisconnect

from indexer.embed import Embedder
from server.errors import BadRequest, NotFound, Unavailable
from server.runtime.services import Services, ServicesDep
from server.web.api.schemas import MAX_INPUTS, REFUSALS, EmbeddingRequest
from server.web.bodies import JsonRoute
from server.web.disconnect import CLIENT_GONE
from server.web.json_pieces import JsonInPieces

EMBEDDINGS_AT_ONCE = 32  # texts, between looks whether the client is still there

router = APIRouter(prefix="/v1", route_class=JsonRoute, responses=REFUSALS)


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
    if not texts or not all(texts):
        raise BadRequest(f"Send 1 to {MAX_INPUTS} texts, none of them empty.", param="input")
    try:
        vectors, tokens = await _encode(services, request, texts, body.dimensions)
    except ClientDisconnect:
        return Response(status_code=CLIENT_GONE)
    return await asyncio.to_thread(_response, body, vectors, tokens)


def _response(body: EmbeddingRequest, vectors: list[list[float]], tokens: int) -> Response:
    """Some megabytes of JSON for as many texts as are taken: call it from a thread."""
    as_base64 = body.encoding_format == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _base64(vector) if as_base64 else vector}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return JsonInPieces({"object": "list", "model": body.model, "data": data, "usage": usage})


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
    tokens = 0
    for start in range(0, len(texts), EMBEDDINGS_AT_ONCE):
        if await request.is_disconnected():
            raise ClientDisconnect
        some, read = await asyncio.to_thread(_encoded, embedder, texts[start : start + EMBEDDINGS_AT_ONCE])
        vectors += some
        tokens += read
    return vectors, tokens


def _encoded(embedder: Embedder, texts: list[str]) -> tuple[list[list[float]], int]:
    """(vectors, tokens read)."""
    vectors: list[list[float]] = embedder.encode_queries(texts).tolist()
    return vectors, sum(embedder.tokenizer.read_of(text) for text in texts)


def _base64(vector: list[float]) -> str:
    """Little-endian float32, as the official client asks for."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
