"""POST /v1/search: passages without an answer, as `indexer search --json` prints them."""

import asyncio
import time

from fastapi import APIRouter
from fastapi.responses import Response

from indexer.client import search_result
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
    return await asyncio.to_thread(lambda: JsonInPieces(search_result(body.query, passages, took_ms)))
