"""Whether the server lives, whether its parts are ready, and its figures: for operators and their tools."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from server.runtime.health import health_parts
from server.runtime.services import ServicesDep

router = APIRouter()


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Answers as long as the process does."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(services: ServicesDep) -> JSONResponse:
    """200 when questions can be answered, each part named with its state and a sentence; else 503."""
    parts = health_parts(services)
    ready = all(part.is_answering for part in parts.values())
    body = {"ready": ready, "parts": {n: {"state": p.state, "detail": p.detail} for n, p in parts.items()}}
    return JSONResponse(body, 200 if ready else 503)


@router.get("/metrics")
def metrics(services: ServicesDep) -> Response:
    figures = services.metrics
    figures.documents.clear()
    for collection in services.catalog.collections(services.catalog.everything()):
        figures.documents.labels(collection.name).set(collection.documents)
    if services.generator is not None:
        figures.drafts.drafted, figures.drafts.accepted = services.generator.drafts
    figures.model_fetched.set(services.arrival.state.done)
    figures.model_size.set(services.arrival.state.total)
    for name, part in health_parts(services).items():
        figures.ready.labels(name).set(part.is_answering)
    return Response(figures.text(), media_type=CONTENT_TYPE_LATEST)
