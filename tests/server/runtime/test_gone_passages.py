"""What the model has read of a document goes with the document."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pytest
from sqlmodel import Session, select

from indexer.knowledge.records import remove_document
from indexer.knowledge.tables import Document, now
from server.answering.passage_source import source
from server.app import Parts, make_services
from server.llm.generator import Message
from server.runtime.gone_passages import GonePassages
from server.runtime.metrics import Metrics
from server.runtime.services import Services
from server.settings import ServerSettings
from tests.server.fakes import HANDBOOK, ScriptedGenerator, fill, no_generator, open_fake_retriever
from tests.server.passages import passage


@dataclass
class Keeping(ScriptedGenerator):
    """Keeps passages of these sources."""

    sources: set[str] = field(default_factory=set)

    def kept_passages(self, messages: Sequence[Message]) -> Sequence[bool]:
        return ()

    def passage_sources(self) -> frozenset[str]:
        return frozenset(self.sources)

    def forget_passages(self, sources: Collection[str]) -> None:
        self.sources -= set(sources)


@pytest.fixture
def services(settings: ServerSettings) -> Services:
    fill(settings, {"handbook": HANDBOOK})
    services, _ = make_services(settings, Parts(open_fake_retriever, no_generator), Metrics())
    services.retriever = open_fake_retriever(settings, services.catalog.engine)
    return services


def documents(services: Services) -> list[Document]:
    with Session(services.catalog.engine) as session:
        return list(session.exec(select(Document).order_by(Document.path)))


def keeping(services: Services) -> Keeping:
    """What a model has read of every document's first words."""
    found = {source(passage(one.text[4:20], start=4, document_id=one.id or 0)) for one in documents(services)}
    services.generator = generator = Keeping(sources=found)
    return generator


def change(services: Services, document: Document, **values: object) -> None:
    with Session(services.catalog.engine) as session:
        one = session.get_one(Document, document.id)
        for name, value in values.items():
            setattr(one, name, value)
        session.commit()


def of(generator: Keeping) -> set[int]:
    return {int(one.partition(":")[0]) for one in generator.sources}


def test_what_stands_stays(services: Services) -> None:
    generator = keeping(services)
    before = set(generator.sources)
    GonePassages(services).forget()
    assert generator.sources == before
    assert len(before) == len(HANDBOOK)


@pytest.mark.parametrize(
    "values", [{"deleted_at": now()}, {"text": "Something else is said here now, of other things."}]
)
def test_a_document_that_is_deleted_or_says_something_else(services: Services, values: dict[str, object]) -> None:
    generator = keeping(services)
    first, *rest = documents(services)
    change(services, first, **values)
    GonePassages(services).forget()
    assert of(generator) == {one.id for one in rest}


def test_what_changes_later_is_seen_once_the_index_follows(services: Services) -> None:
    generator, gone = keeping(services), GonePassages(services)
    gone.forget()
    first, *rest = documents(services)
    with Session(services.catalog.engine) as session:
        remove_document(session, first.collection_id, first.root, first.path)
        session.commit()
    assert services.retriever is not None
    services.retriever.follow()
    gone.forget()
    assert of(generator) == {one.id for one in rest}


def test_what_is_read_of_a_gone_document_after_a_look_goes_with_the_next_one(services: Services) -> None:
    generator, gone = keeping(services), GonePassages(services)
    gone.forget()
    generator.sources.add(source(passage("of yesterday", document_id=999)))
    gone.forget()
    assert 999 not in of(generator)


def test_a_generator_that_keeps_nothing_is_left_alone(services: Services) -> None:
    GonePassages(services).forget()
    services.generator = ScriptedGenerator()
    GonePassages(services).forget()
