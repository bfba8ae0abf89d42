"""Whether the server lives, whether its parts are ready, and its figures: for operators and their tools."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from server.runtime.loading import INSTALL, NO_MODEL
from server.runtime.services import Services, ServicesDep

router = APIRouter()


@dataclass(frozen=True)
class Part:
    """The state of a part: loading, ready, absent or failed, and a sentence."""

    state: str
    detail: str


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Answers as long as the process does."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(services: ServicesDep) -> JSONResponse:
    """200 when questions can be answered, each part named with its state and a sentence; else 503."""
    parts = health_parts(services)
    ready = all(part.state in ("ready", "absent") for part in parts.values())
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
    for name, part in health_parts(services).items():
        figures.ready.labels(name).set(part.state in ("ready", "absent"))
    return Response(figures.text(), media_type=CONTENT_TYPE_LATEST)


def health_parts(services: Services) -> dict[str, Part]:
    """The state of each part, with a sentence: what /readyz and the settings page say."""
    database = _database(services)
    search = services.search_state
    return {
        "database": database,
        "index": _index(services) if database.state == "ready" else database,
        "search_model": Part(search.state, search.detail or "The search model is loaded."),
        "language_model": _language_model(services),
    }


def _database(services: Services) -> Part:
    try:
        services.catalog.everything()
    except SQLAlchemyError as error:
        return Part("failed", f"The database cannot be read: {getattr(error, 'orig', error)}.")
    return Part("ready", "The database can be read.")


def _index(services: Services) -> Part:
    if not services.catalog.has_documents(services.catalog.everything()):
        return Part("ready", "Nothing is indexed yet: run `indexer ingest FOLDER`.")
    state = services.search_state
    details = {"ready": "The index follows the database.", "loading": "The index is opened."}
    return Part(state.state, state.detail or details.get(state.state, ""))


def _language_model(services: Services) -> Part:
    generator = services.generator
    if generator is not None:
        state = generator.state
        return Part(state.state, state.detail or f"{generator.name} is loaded.")
    if services.model_failure:
        return Part("failed", services.model_failure)
    if not services.opened.is_set():
        return Part("loading", "The language model is opened.")
    return Part("absent", f"{NO_MODEL} {INSTALL}")
