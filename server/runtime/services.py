"""The long-lived parts of a running server, made once in the lifespan and handed to routes as one dataclass."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

from fastapi import Depends, Request

from indexer.knowledge.chosen import documents_named
from indexer.passages import Scope
from server.answering.events import AnswerEvent, Question
from server.answering.means import Means
from server.conversations.store import Conversations
from server.conversations.turns import Turns
from server.errors import Forbidden, NotFound, Unavailable
from server.library.examples import Examples
from server.library.follow_ups import FollowUps
from server.library.ingest_jobs import IngestJobs
from server.library.page_pictures import PagePictures
from server.runtime.briefs import Briefs
from server.runtime.ending import Ending
from server.runtime.idle import Idle
from server.runtime.metrics import Metrics
from server.runtime.model_arrival import ModelArrival
from server.runtime.rendered_answers import RenderedAnswers
from server.sessions import Sessions

EXAMPLES = "examples.json"  # in the data folder
CHARACTERS_PER_TOKEN = 32
"""More than any text has: what is longer by this count fits no context."""

Answerer = Callable[[Question, Means], AsyncGenerator[AnswerEvent, None]]
"""`server.answering.answer.answer`, the whole way of a question; tests pass one of their own."""


@dataclass(kw_only=True)
class Services(Means):
    """What routes work with: what answers are made with, and what pages and programs need beside it."""

    conversations: Conversations
    answerer: Answerer
    metrics: Metrics = field(default_factory=Metrics)
    idle: Idle = field(default_factory=Idle)
    ending: Ending = field(default_factory=Ending)
    model_failure: str = ""  # why the configured language model is not used
    arrival: ModelArrival = field(default_factory=ModelArrival)  # of a language model that is fetched behind the page
    calibrating: bool = False  # off-topic questions are being asked of the documents
    rendered: RenderedAnswers = field(default_factory=RenderedAnswers)
    scope_of: Callable[[Request], Scope] = field(init=False)
    """What the asker may read, in the one place that knows. Until there are accounts: everything."""
    may_operate: Callable[[Request], bool] = field(init=False)
    """Whether the asker may change the settings, in the one place that knows. Until there are accounts: whoever the
    page is shown to, on this computer or with its password."""
    turns: Turns = field(init=False)
    sessions: Sessions = field(init=False)
    jobs: IngestJobs = field(init=False)
    examples: Examples = field(init=False)
    pictures: PagePictures = field(init=False)
    follow_ups: FollowUps = field(init=False)
    briefs: Briefs = field(init=False)

    def __post_init__(self) -> None:
        self.scope_of = lambda _request: self.catalog.everything()
        self.may_operate = lambda _request: True
        self.turns = Turns(
            self.conversations,
            self.answer,
            max_tokens=self.settings.max_answer_tokens,
            history_characters=CHARACTERS_PER_TOKEN * self.settings.context,
        )
        self.sessions = Sessions(self.settings)
        self.jobs = IngestJobs(self.settings, self.catalog.engine)
        self.briefs = Briefs(self, self.idle)
        self.follow_ups = FollowUps(self.catalog.engine)
        self.examples = Examples(self.catalog.engine, self.settings.data / EXAMPLES)
        self.pictures = PagePictures(self.settings)

    def answer(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        """The way of a question with what is there, counted, before all else. Raises RequestError."""
        return self.idle.answering(self.metrics.measured(self.ending.until_the_end(self.answerer(question, self))))

    def without_model(self) -> Unavailable:
        if self.arrival.state.is_moving:
            return Unavailable(
                f"This needs a language model. {self.arrival.state.sentence}",
                "Ask again when it is there.",
                code="model_fetching",
            )
        if self.model_failure:
            return Unavailable(f"This needs a language model. {self.model_failure}", code="model_failed")
        return super().without_model()

    @property
    def change(self) -> int:
        """Up to which change the search is true; 0 while it does not work."""
        return 0 if self.retriever is None else self.retriever.store.change

    @property
    def has_model(self) -> bool:
        """Whether a language model is in use; also while it is not known yet, before what is there was opened."""
        return self.generator is not None or not self.model_opened.is_set()

    @property
    def model_name(self) -> str:
        """What answers: the language model, or Docent alone."""
        return "docent" if self.generator is None else self.generator.name


def get_services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(get_services)]


def get_scopes(request: Request, services: ServicesDep) -> Callable[[], Scope]:
    """What the asker may read, at each call anew: for a stream, during which collections come and go."""
    return partial(services.scope_of, request)


ScopesDep = Annotated[Callable[[], Scope], Depends(get_scopes)]


def get_scope(scopes: ScopesDep) -> Scope:
    """What the asker may read."""
    return scopes()


ScopeDep = Annotated[Scope, Depends(get_scope)]


def check_operator(request: Request, services: ServicesDep) -> None:
    """Raises Forbidden where the asker may not change the settings."""
    if not services.may_operate(request):
        raise Forbidden("Only who runs Docent may change this.", "Ask them to.")


OperatorDep = Annotated[None, Depends(check_operator)]


async def narrowed(
    services: Services,
    scope: Scope,
    collections: Sequence[str] | None,
    documents: Sequence[int | str] | None = None,
    within: str = "docent.",
) -> Scope:
    """The part of `scope` that a client asks for, in the fields `within` its request. Raises NotFound; a name that may
    not be read is as unknown."""
    if collections is not None:
        readable = await asyncio.to_thread(services.catalog.names, scope)
        ids = {name: id_ for id_, name in readable.items()}
        for name in collections:
            if name not in ids:
                raise NotFound(f"There is no collection {name[:100]!r}.", param=f"{within}collections")
        scope = scope.narrowed(frozenset(ids[name] for name in collections))
    if documents is not None:
        named = await asyncio.to_thread(documents_named, services.catalog.engine, documents, scope)
        for document, found in named.items():
            if not found:
                raise NotFound(f"There is no document {str(document)[:100]!r}.", param=f"{within}documents")
        scope = scope.choosing(frozenset(one.id for found in named.values() for one in found))
    return scope
