"""The long-lived parts of a running server, made once in the lifespan and handed to routes as one dataclass."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from indexer.knowledge.catalog import Catalog
from indexer.passages import Scope
from indexer.search.retrieve import Retriever
from server.answering.abstention import says_nothing
from server.answering.events import AnswerEvent, Question
from server.conversations.store import Conversations
from server.conversations.turns import Turns
from server.errors import NotFound
from server.library.examples import Examples
from server.library.ingest_jobs import IngestJobs
from server.llm.generator import Generator, GeneratorState
from server.runtime.metrics import Metrics
from server.settings import ServerSettings


@dataclass
class Services:
    """What routes work with. `generator` is None in extractive mode, `retriever` while the search does not work."""

    settings: ServerSettings
    catalog: Catalog
    conversations: Conversations
    turns: Turns
    answer: Callable[[Question], AsyncIterator[AnswerEvent]]
    generator: Generator | None = None
    search_state: GeneratorState = field(default_factory=lambda: GeneratorState("loading", "The search model loads."))
    retriever: Retriever | None = None
    model_failure: str = ""  # why the configured language model is not used
    opened: asyncio.Event = field(default_factory=asyncio.Event)  # both models were opened, or could not be
    metrics: Metrics = field(default_factory=Metrics)
    ingesting: bool = False  # the folders that the server was started with are being read
    jobs: IngestJobs = field(init=False)
    examples: Examples = field(init=False)

    def __post_init__(self) -> None:
        self.jobs = IngestJobs(self.settings, self.catalog.engine)
        self.examples = Examples(self.catalog.engine)

    @property
    def change(self) -> int:
        """Up to which change the search is true; 0 while it does not work."""
        return 0 if self.retriever is None else self.retriever.store.change

    def can_answer(self, question: str, scope: Scope) -> bool:
        """Whether the search finds an answer to a question; no, while it does not work."""
        if self.retriever is None:
            return False
        found = self.retriever.retrieve(question, [], scope)
        return not says_nothing(found, self.retriever.engine, self.settings.false_refusals)

    @property
    def model_name(self) -> str:
        """What answers: the language model, or Docent alone."""
        return "docent" if self.generator is None else self.generator.name


def get_services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(get_services)]


def get_scope(services: ServicesDep) -> Scope:
    """What the asker may read. Until there are accounts: everything."""
    return services.catalog.everything()


ScopeDep = Annotated[Scope, Depends(get_scope)]


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
    return scope.narrowed(chosen)
