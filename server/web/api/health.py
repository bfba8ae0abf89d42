"""Whether the server lives, whether its parts are ready, and its figures: for operators and their tools."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from server.runtime.health import health_parts
from server.runtime.services import ServicesDep
from server.web.api.schemas import REFUSALS
from server.web.security import KEYED

router = APIRouter()


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Answers as long as the process does."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "A part keeps questions waiting, or does not work."}})
def readyz(request: Request, services: ServicesDep) -> JSONResponse:
    """200 when questions can be answered, each part named with its state; else 503.

    The sentences beside the states name models, files and folders: they are for whoever has the key, where one is set.
    """
    parts = health_parts(services)
    ready = all(part.is_answering for part in parts.values())
    told = {name: {"state": part.state} for name, part in parts.items()}
    if request.scope[KEYED]:
        told = {name: {"state": part.state, "detail": part.detail} for name, part in parts.items()}
    return JSONResponse({"ready": ready, "parts": told}, 200 if ready else 503)


@router.get("/metrics", response_class=PlainTextResponse, responses=REFUSALS)
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
