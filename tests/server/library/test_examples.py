"""Example questions: those that the documents answer, found when an ingest has ended and by one thread at a time."""

import errno
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlmodel import Session

from indexer.knowledge.tables import Document
from indexer.passages import Scope
from server.library.examples import Examples
from server.settings import ServerSettings
from tests.tiny_site import Site


class Search:
    """Answers questions that hold `word`, and counts how often it is asked."""

    def __init__(self, word: str = "") -> None:
        self.word = word
        self.asked = 0

    def __call__(self, question: str, _scope: Scope, _document_id: int) -> bool:
        self.asked += 1
        return self.word in question


@pytest.fixture
def site(settings: ServerSettings) -> Site:
    return Site(settings)


@pytest.fixture
def examples(site: Site) -> Examples:
    return Examples(site.engine, site.settings.data / "examples.json")


@pytest.fixture
def scope(site: Site) -> Scope:
    return site.catalog.everything()


def test_only_questions_that_the_documents_answer_are_offered(examples: Examples, scope: Scope) -> None:
    assert examples.known(scope) == []
    every = examples.find(scope, 1, Search())
    assert every[0] == "How do I book leave?"
    assert len(every) == 4
    assert examples.known(scope) == every
    few = examples.find(scope, 2, Search("leave"), settled=True)
    assert few
    assert all("leave" in question for question in few)
    assert examples.find(scope, 3, Search("nothing has this"), settled=True) == []


def test_what_was_found_is_kept_until_an_ingest_has_ended(examples: Examples, scope: Scope) -> None:
    found = examples.find(scope, 1, Search())
    later = Search("leave")
    for change in range(2, 100):
        assert examples.find(scope, change, later) == found
        assert not examples.is_due(scope, change, settled=False)
    assert later.asked == 0
    assert examples.is_due(scope, 99, settled=True)
    assert examples.find(scope, 99, later, settled=True) != found
    before = later.asked
    examples.find(scope, 99, later, settled=True)
    assert later.asked == before


def test_where_nothing_was_found_an_ingest_is_asked_again_each_time_it_read_as_much_again(
    examples: Examples, scope: Scope
) -> None:
    nothing = Search("nothing has this")
    examples.find(scope, 3, nothing)
    once = nothing.asked
    for change in range(4, 48):
        examples.find(scope, change, nothing)
    assert once > 0
    assert nothing.asked == 4 * once  # at 3, 6, 12 and 24
    assert examples.find(scope, 48, Search())


def test_two_visitors_never_search_for_the_same(examples: Examples, scope: Scope) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Slow(Search):
        def __call__(self, question: str, scope: Scope, document_id: int) -> bool:
            begun.set()
            assert go_on.wait(30)
            return super().__call__(question, scope, document_id)

    search = Slow()
    with ThreadPoolExecutor(2) as visitors:
        first = visitors.submit(examples.find, scope, 1, search)
        assert begun.wait(30)
        second = visitors.submit(examples.find, scope, 1, search)
        go_on.set()
        assert first.result(30) == second.result(30)
    assert search.asked == 4  # one for each question that is offered


WRITTEN = "How early do I enter leave in the staff portal?"


def again(examples: Examples) -> Examples:
    """Those of the server that is started next."""
    return Examples(examples.engine, examples._path)


def test_what_was_found_is_there_after_a_restart(examples: Examples, scope: Scope) -> None:
    found = examples.find(scope, 1, Search(), settled=True)
    assert again(examples).known(scope) == found
    assert again(examples).is_due(scope, 1, settled=True), "whether they are true still is looked at"


def test_what_a_model_wrote_comes_first_and_stays(examples: Examples, scope: Scope) -> None:
    found = examples.find(scope, 1, Search(), settled=True)
    examples.add(WRITTEN, 1)
    assert examples.known(scope) == [WRITTEN, *found[:3]]
    now = examples.find(scope, 1, Search(), settled=True)
    assert (now[0], len(now)) == (WRITTEN, 4)
    assert "How do I book leave?" not in now, "of the same document"
    assert examples.find(scope, 2, Search("nothing has this"), settled=True) == [WRITTEN]
    assert again(examples).known(scope) == [WRITTEN]
    assert [one.question for one in again(examples).written(scope)] == [WRITTEN]


def delete_document(site: Site, document_id: int) -> None:
    with Session(site.engine) as session:
        session.delete(session.get_one(Document, document_id))
        session.commit()


def test_what_may_not_be_read_or_is_gone_is_not_shown(examples: Examples, scope: Scope, site: Site) -> None:
    examples.find(scope, 1, Search("leave"), settled=True)
    examples.add(WRITTEN, 1)
    nobody = Scope(frozenset())
    assert (examples.known(nobody), again(examples).known(nobody), examples.written(nobody)) == ([], [], [])
    delete_document(site, 1)
    assert WRITTEN not in again(examples).known(scope)
    examples.find(scope, 2, Search(), settled=True)
    assert WRITTEN not in examples._path.read_text(encoding="utf-8")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'[{"question": "q"}]', b"\xff", b'{"a": 1}'])
def test_a_damaged_file_is_made_anew(content: bytes, examples: Examples, scope: Scope) -> None:
    examples._path.write_bytes(content)
    later = again(examples)
    assert later.known(scope) == []
    found = later.find(scope, 1, Search())
    assert again(examples).known(scope) == found


def test_a_disk_that_takes_nothing_costs_only_what_is_kept(
    examples: Examples, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Path, *_arguments: object, **_named: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    assert len(examples.find(scope, 1, Search())) == 4
    assert again(examples).known(scope) == []
