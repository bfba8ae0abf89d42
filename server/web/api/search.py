"""POST /v1/search: passages without an answer, as `indexer search --json` prints them."""

import asyncio
import time
from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.responses import Response

from indexer.client import search_result
from indexer.passages import Passage
from server.errors import BadRequest, Unavailable
from server.runtime.services import ScopeDep, ServicesDep, narrowed
from server.web.api.schemas import REFUSALS, SearchRequest
from server.web.bodies import JsonRoute
from server.web.json_pieces import JsonInPieces

router = APIRouter(prefix="/v1", route_class=JsonRoute, responses=REFUSALS)


@router.post("/search")
async def search(body: SearchRequest, services: ServicesDep, scope: ScopeDep) -> Response:
    if not body.query.strip():
        raise BadRequest("The query is empty.", "Write what to search for.", param="query")
    scope = await narrowed(services, scope, body.collections, body.documents, within="")
    await services.opened.wait()
    if services.retriever is None:
        raise Unavailable(f"The search does not work: {services.search_state.detail}", code="search_failed")
    started = time.monotonic()
    passages = await asyncio.to_thread(
        services.retriever.search, body.query, body.history, scope, body.top_k, exact=body.spelling == "exact"
    )
    took_ms = round((time.monotonic() - started) * 1000)
    return await asyncio.to_thread(_told, body.query, passages, took_ms)


def _told(query: str, passages: Sequence[Passage], took_ms: int) -> Response:
    found = search_result(query, passages, took_ms)
    for told, passage in zip(found["passages"], passages, strict=True):
        told["document_id"] = passage.document_id
    return JsonInPieces(found)
