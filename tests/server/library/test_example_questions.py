"""Passages that a question is written for, and which of a model's questions are worth showing."""

from collections.abc import Iterator

import pytest

from indexer.passages import Scope
from server.app import Parts, make_services
from server.library.example_questions import CHARACTERS, Asked, messages, passages_to_ask_about, question_in
from server.runtime.metrics import Metrics
from server.runtime.services import Services
from server.settings import ServerSettings
from tests.server.fakes import fill, no_generator, open_fake_retriever

TEXT = "Employees have 25 days of annual leave. Five days may be carried over until 31 March. Ask your lead first."
LEAVE = Asked(1, 1, 0, len(TEXT), "Leave", "Leave › Annual leave", TEXT)


def test_the_model_reads_where_the_passage_stands_and_what_it_shall_do() -> None:
    system, user = messages(LEAVE)
    assert (system.role, user.role) == ("system", "user")
    assert user.content.startswith(f"Leave › Leave › Annual leave\n\n{TEXT}\n\nWrite one short question")


@pytest.mark.parametrize(
    ("written", "question"),
    [
        ("How many days of annual leave do I have?", "How many days of annual leave do I have?"),
        ('"how many days of annual leave do I have?"', "How many days of annual leave do I have?"),
        ("1. Question: How many days of leave carry over? They are five.", "How many days of leave carry over?"),
        ("Employee: Until when can leave be carried over?\nManager: 31 March", "Until when can leave be carried over?"),
        ("", ""),
        ("You have 25 days of annual leave.", ""),  # no question
        ("How many days?", ""),  # of what
        ("What is the purpose of this annual leave policy?", ""),
        ("According to the text, how many days of annual leave are there?", ""),
        ("Which days of annual leave are mentioned in the passage?", ""),
        ("Who won the football world cup in Germany?", ""),  # not what it is about
        ("How many " + "annual leave " * 10 + "days?", ""),
    ],
)
def test_what_is_taken_of_what_a_model_writes(written: str, question: str) -> None:
    assert question_in(written, LEAVE) == question


def test_the_same_is_not_asked_twice() -> None:
    written = "How many days of annual leave do I have?"
    assert question_in(written, LEAVE, ["How many days of annual leave are there?"]) == ""
    assert question_in(written, LEAVE, ["Who pays for dental crowns?"]) == written


def rules() -> dict[str, str]:
    return {
        "leave.md": f"{TEXT} It is long. {'And so on. ' * 200}",
        "poem.md": "Roses grow red. Violets grow blue. Sugar tastes sweet.",
        "short.md": "You must pay 5 dollars.",
        "travel.md": "Book trains early. Trips are planned. Taxis need 1 receipt.",
    }


@pytest.fixture
def services(settings: ServerSettings) -> Iterator[Services]:
    fill(settings, {"handbook": rules(), "secret": {"pay.md": "You may get 5 dollars. Or 6. Or 7 or 8. Or you get 9."}})
    services, _ = make_services(settings, Parts(open_fake_retriever, no_generator), Metrics())
    yield services
    services.catalog.engine.dispose()


def test_one_passage_a_document_those_that_tell_readers_most_first(services: Services) -> None:
    engine, catalog = services.catalog.engine, services.catalog
    scope = catalog.chosen(["handbook"], catalog.everything())

    def documents(scope: Scope, without: set[int] = frozenset(), count: int = 9) -> list[str]:  # type: ignore[assignment]
        return [one.title for one in passages_to_ask_about(engine, scope, without, count)]

    assert documents(scope) == ["Leave", "Travel"]
    assert documents(scope, count=1) == ["Leave"]
    (first, *_) = passages_to_ask_about(engine, scope, set(), 9)
    assert first.text.startswith(TEXT)
    assert len(first.text) <= CHARACTERS < len(rules()["leave.md"])
    assert documents(scope, {first.document_id}) == ["Travel"]
    assert documents(catalog.everything())[0] == "Pay"
    assert documents(scope, count=0) == []
