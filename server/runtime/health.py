"""Whether the parts of a running server are ready, with a sentence each: for /readyz, metrics and the status page."""

from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from indexer.errors import program
from server.answering.means import MODEL_OPENS, no_model
from server.runtime.services import Services

ANSWERING = frozenset({"ready", "absent", "fetching"})
"""States in which a part keeps no question waiting."""


@dataclass(frozen=True)
class Part:
    """The state of a part: loading, ready, absent, fetching or failed, and a sentence."""

    state: str
    detail: str

    @property
    def is_answering(self) -> bool:
        return self.state in ANSWERING


def health_parts(services: Services) -> dict[str, Part]:
    """The state of each part, with a sentence: what /readyz and the status page say."""
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
        return Part("ready", f"Nothing is indexed yet: run `{program('indexer')} ingest FOLDER`.")
    state = services.search_state
    details = {"ready": "The index follows the database.", "loading": "The index is opened."}
    return Part(state.state, state.detail or details.get(state.state, ""))


def _language_model(services: Services) -> Part:
    generator = services.generator
    if generator is not None:
        state = generator.state
        return Part(state.state, state.detail or f"{generator.name} is loaded.")
    arrival = services.arrival.state
    if arrival.is_moving:
        return Part("fetching", arrival.sentence)
    if services.model_failure:
        return Part("failed", services.model_failure)
    if arrival.ended_without:
        return Part("absent", arrival.sentence)
    if not services.opened.is_set():
        return Part("loading", MODEL_OPENS)
    return Part("absent", no_model(services.settings))
