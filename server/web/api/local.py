"""POST /local/vectors: what `indexer ingest` asks of the server on its data folder; the shapes are embed_remote.py's.

No part of the API: only a command on this machine can call it, with the token that server.json holds.
"""

import asyncio
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from indexer.embed import Embedder, EmbeddingInput
from indexer.embed_remote import MOST_CHUNKS, VECTORS_PATH, vectors_answer
from server.errors import BadRequest, NotFound, Unavailable
from server.runtime.services import ServicesDep
from server.web.api.schemas import Sent
from server.web.bodies import JsonRoute
from server.web.json_pieces import JsonInPieces
from server.web.parameters import Count, Words

MOST_SENTENCES = 4096  # of one chunk, which has 2048 word pieces at the most

router = APIRouter(include_in_schema=False, route_class=JsonRoute)


class ChunkText(Sent):
    """A chunk to encode; `sentences` are code points of `body`."""

    prefix: Words
    body: Words
    sentences: Annotated[list[tuple[Count, Count]], Field(max_length=MOST_SENTENCES, fail_fast=True)]


class VectorsRequest(Sent):
    model: Words
    digest: Words
    chunks: Annotated[list[ChunkText], Field(max_length=MOST_CHUNKS, fail_fast=True)]


@router.post(VECTORS_PATH)
async def vectors(body: VectorsRequest, services: ServicesDep) -> Response:
    """With no chunks: the model's dimension alone. Questions go first (server.runtime.questions_first)."""
    if services.retriever is None:
        raise Unavailable("The search model is not loaded.", code="search_failed")
    embedder = services.retriever.embedder
    if body.model != embedder.name:
        raise NotFound(f"This server has the embedding model {embedder.name}.", param="model", code="model_not_found")
    if body.digest != embedder.digest:
        raise NotFound(
            f"The files of {embedder.name} were replaced since this server loaded them.",
            "Restart it.",
            param="digest",
            code="model_not_found",
        )
    return await asyncio.to_thread(_encoded, embedder, body)


def _encoded(embedder: Embedder, body: VectorsRequest) -> Response:
    """Some megabytes of base64 for as many sentences as a request may have: call it from a thread."""
    chunks = [EmbeddingInput(one.prefix, one.body, tuple(one.sentences)) for one in body.chunks]
    if any(end > len(chunk.body) for chunk in chunks for _, end in chunk.sentences):
        raise BadRequest("A sentence ends behind its chunk.", param="chunks")
    return JsonInPieces(vectors_answer(embedder.dimension, embedder.encode_chunks(chunks)))
