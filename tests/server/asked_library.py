"""An index of two collections that is asked questions, and what holds for every stream of events."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from indexer.knowledge.catalog import Catalog
from indexer.passages import Passage, Scope
from indexer.search.retrieve import Retriever
from server.answering.answer import answer
from server.answering.events import BENEATH, Answer, AnswerEvent, Evidence, Progress, Question, Sources, Text
from server.answering.means import Means
from server.answering.quotes import QUOTES
from server.settings import ServerSettings
from tests.server.fakes import ScriptedGenerator

LEAVE_QUESTION = "How many days of annual leave do employees have?"
DENTAL_QUESTION = "Are crowns covered at half their price?"
OFF_TOPIC = "Which zebras cross rivers?"


@dataclass
class Library:
    """An index of two collections, and what answers from it."""

    retriever: Retriever | None
    settings: ServerSettings
    catalog: Catalog
    collections: dict[str, int]

    def ask(self, text: str, *names: str) -> Question:
        names = names or tuple(self.collections)
        return Question(text, Scope(frozenset(self.collections[name] for name in names)))

    def means(self, generator: ScriptedGenerator | None) -> Means:
        means = Means(settings=self.settings, catalog=self.catalog, retriever=self.retriever, generator=generator)
        means.opened.set()
        means.model_opened.set()
        return means

    def stream(self, question: Question, generator: ScriptedGenerator | None) -> AsyncGenerator[AnswerEvent, None]:
        return answer(question, self.means(generator))

    def found(self, text: str, *names: str) -> tuple[Passage, ...]:
        assert self.retriever is not None
        return self.retriever.retrieve(text, [], self.ask(text, *names).scope).passages

    async def events(self, question: Question, generator: ScriptedGenerator | None) -> list[AnswerEvent]:
        return [event async for event in self.stream(question, generator)]


def final(events: list[AnswerEvent]) -> Answer:
    """The Answer, after a check of what holds for every stream of events."""
    *others, last = events
    assert isinstance(last, Answer)
    assert not any(isinstance(event, Answer) for event in others)
    kinds = [type(event) for event in others]
    assert Sources in kinds
    assert Text not in kinds[: len(kinds) - kinds[::-1].index(Sources)], "what words rest on is known before them"
    texts = [event for event in others if isinstance(event, Text)]
    assert "".join(event.delta for event in texts) == last.text
    assert [citation for event in texts for citation in event.citations] == list(last.citations)
    assert 0 <= last.took_ms.retrieve <= last.took_ms.first_token <= last.took_ms.total
    shown = [event for event in others if isinstance(event, Sources)][-1].evidence
    assert [source.number for source in shown] == list(range(1, len(shown) + 1))
    assert len({source.n for source in shown}) == len(shown)
    assert len(last.quotes) <= QUOTES
    for one in (*last.citations, *last.quotes):
        passage = shown[one.n - 1].passage
        assert passage.document_id == one.document_id
        assert passage.text[one.start - passage.start : one.end - passage.start] == one.quote != ""
        assert (one.at == BENEATH) == (one in last.quotes)
        assert one.at == BENEATH or last.text.startswith(f"[{one.n}]", one.at)
    return last


def sources(events: list[AnswerEvent]) -> tuple[Evidence, ...]:
    return next(event for event in events if isinstance(event, Sources)).evidence


def stages(events: list[AnswerEvent]) -> list[str]:
    return [event.stage for event in events if isinstance(event, Progress)]
