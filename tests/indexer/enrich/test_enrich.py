"""Entries that a model wrote: asked for over a real socket, filtered, searched, kept through re-ingest, never shown."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from indexer.enrich.enrich import PATIENCE, EnrichProgress, EnrichReport, enrich
from indexer.enrich.filter import proposed, worth_keeping
from indexer.enrich.writer import Draft, UnusableDraft, Writer, read_draft
from indexer.errors import DocentError, StartError
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.entries import encoded_anew, take_entries
from indexer.knowledge.tables import Enrichment, Entry
from indexer.passages import Scope
from indexer.search.retrieve import Retriever
from indexer.search.store import Store
from indexer.settings import IndexerSettings
from indexer.verify import verify_index
from tests.indexer.small_knowledge import Knowledge
from tests.word_embedder import WordEmbedder, word_vector

TRAVEL = "The reimbursement of lodging expenses requires itemized receipts."
PRINTER = "The printer on the second floor needs a badge."
ODD_WORDS = "Can I get money back for my hotel expenses receipts"

Reply = Callable[[str], tuple[int, Any]]
"""The user's message to (status, body)."""


def drafted(**draft: Any) -> tuple[int, Any]:
    return 200, completion(json.dumps({"questions": [], "summary": "", "keywords": [], **draft}))


def completion(text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}


@contextmanager
def serving(reply: Reply, owner: str = "somebody") -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(address, requests so far) of an OpenAI-compatible server whose model writes what `reply` says."""
    requests: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(200, {"data": [{"id": "phi", "owned_by": owner}]})

        def do_POST(self) -> None:
            requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._send(*reply(requests[-1]["messages"][-1]["content"]))

        def _send(self, status: int, body: Any) -> None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def retriever(engine: Engine, settings: IndexerSettings) -> Retriever:
    return Retriever(engine, WordEmbedder(), Store(engine, settings.index_path), settings)


def run(
    retriever: Retriever, settings: IndexerSettings, url: str, limit: int | None = None, at_once: int = 1
) -> EnrichReport:
    retriever.follow()
    with closing(Writer(url)) as writer:
        scope = Catalog(retriever.engine).everything()
        return enrich(settings, retriever.engine, retriever, writer, scope, limit, at_once)


def found(retriever: Retriever, question: str) -> list[str]:
    retriever.follow()
    scope = Catalog(retriever.engine).everything()
    return [passage.text for passage in retriever.search(question, [], scope, 3)]


def texts(engine: Engine) -> list[str]:
    with Session(engine) as session:
        return list(session.exec(select(Entry.text).order_by(col(Entry.id))))


def enriched(engine: Engine) -> int:
    """Passages that were written about."""
    with Session(engine) as session:
        return len(session.exec(select(Enrichment)).all())


def travel_draft(message: str) -> tuple[int, Any]:
    if "lodging" in message:
        return drafted(questions=[ODD_WORDS], keywords=["hotel", "money back", "expenses", "receipts"])
    return drafted(questions=["Does the printer on the second floor need a badge?"])


def test_a_question_in_other_words_finds_the_passage_through_its_entry(
    knowledge: Knowledge, retriever: Retriever, settings: IndexerSettings
) -> None:
    knowledge.put("b.md", PRINTER)
    knowledge.put("a.md", TRAVEL)
    assert found(retriever, "hotel")[0] == PRINTER
    with serving(travel_draft) as (url, requests):
        report = run(retriever, settings, url)
    assert (report.passages, report.unusable, report.left) == (2, 0, 0)
    assert found(retriever, "hotel")[0] == TRAVEL
    assert any("a.md" in request["messages"][-1]["content"] for request in requests)
    assert verify_index(settings, retriever.engine) == []


def test_an_entry_is_never_shown(knowledge: Knowledge, retriever: Retriever, settings: IndexerSettings) -> None:
    knowledge.put("a.md", TRAVEL)
    with serving(travel_draft) as (url, _):
        run(retriever, settings, url)
    [passage] = retriever.search("hotel", [], Catalog(retriever.engine).everything(), 3)
    shown = " ".join([passage.text, passage.prefix, passage.title, *(s.text for s in passage.sentences)])
    assert "hotel" not in shown.casefold()


def test_a_scope_hides_entries_too(knowledge: Knowledge, retriever: Retriever, settings: IndexerSettings) -> None:
    knowledge.put("a.md", TRAVEL, collection="secret")
    open_collection = knowledge.collection("open")
    knowledge.put("b.md", PRINTER, collection="open")
    with serving(travel_draft) as (url, _):
        run(retriever, settings, url)
    retriever.follow()
    passages = retriever.search("hotel money back", [], Scope(frozenset({open_collection})), 3)
    assert {passage.document for passage in passages} <= {"b.md"}


def test_entries_survive_a_snapshot(knowledge: Knowledge, retriever: Retriever, settings: IndexerSettings) -> None:
    knowledge.put("a.md", TRAVEL, PRINTER)
    with serving(travel_draft) as (url, _):
        run(retriever, settings, url)
    retriever.follow()
    retriever.store.save()
    loaded = Store(retriever.engine, settings.index_path)
    loaded.load()
    for question in ("hotel money back", "badge"):
        scope = Catalog(retriever.engine).everything()
        one, other = (
            s.view(scope).search(word_vector(question)[None, :], [question.split()]) for s in (retriever.store, loaded)
        )
        assert one.chunk_ids.tolist() == other.chunk_ids.tolist()
        assert one.entry_cosine.tolist() == other.entry_cosine.tolist()
        assert one.bm25.tolist() == other.bm25.tolist()


def test_a_second_run_asks_about_nothing(knowledge: Knowledge, retriever: Retriever, settings: IndexerSettings) -> None:
    knowledge.put("a.md", TRAVEL, PRINTER)
    with serving(travel_draft) as (url, requests):
        run(retriever, settings, url)
        asked = len(requests)
        report = run(retriever, settings, url)
    assert (len(requests), report.passages) == (asked, 0)


def test_a_limited_run_goes_on_later(knowledge: Knowledge, retriever: Retriever, settings: IndexerSettings) -> None:
    knowledge.put("a.md", TRAVEL, PRINTER)
    with serving(travel_draft) as (url, requests):
        assert run(retriever, settings, url, limit=1).left == 1
        assert run(retriever, settings, url, limit=1).left == 0
    assert len(requests) == 2


def test_several_passages_are_written_about_at_the_same_time(
    knowledge: Knowledge, retriever: Retriever, settings: IndexerSettings
) -> None:
    for number in range(5):
        knowledge.put(f"{number}.md", f"Rule {number}: {TRAVEL}")
    together = threading.Barrier(4)

    def draft(message: str) -> tuple[int, Any]:
        if "Rule 4" not in message:
            together.wait(timeout=30)
        return travel_draft(message)

    with serving(draft) as (url, _):
        report = run(retriever, settings, url, at_once=4)
    assert (report.passages, report.unusable, report.left) == (5, 0, 0)


def test_a_refusal_waits_for_no_answer_under_way(
    knowledge: Knowledge, retriever: Retriever, settings: IndexerSettings
) -> None:
    knowledge.put("a.md", PRINTER)
    knowledge.put("b.md", TRAVEL)
    ended = threading.Event()

    def draft(message: str) -> tuple[int, Any]:
        if "printer" in message:
            return 401, {"error": {"message": "no such key"}}
        ended.wait(timeout=60)
        return travel_draft(message)

    with serving(draft) as (url, _):
        try:
            with pytest.raises(DocentError, match="no such key"):
                run(retriever, settings, url, at_once=4)
            assert not ended.is_set()
        finally:
            ended.set()


def test_entries_stay_when_only_another_passage_changed(
    knowledge: Knowledge, retriever: Retriever, settings: IndexerSettings
) -> None:
    knowledge.put("a.md", TRAVEL, PRINTER)
    with serving(travel_draft) as (url, requests):
        run(retriever, settings, url)
        before = [text for text in texts(retriever.engine) if "printer" not in text]
        knowledge.put("a.md", TRAVEL, "Cats sleep.")
        assert texts(retriever.engine) == before
        asked = len(requests)
        run(retriever, settings, url)
    assert len(requests) == asked + 1
    assert found(retriever, "hotel")[0].startswith(TRAVEL)


def test_entries_go_with_their_document(knowledge: Knowledge, retriever: Retriever, settings: IndexerSettings) -> None:
    knowledge.put("a.md", TRAVEL)
    with serving(travel_draft) as (url, _):
        run(retriever, settings, url)
    knowledge.delete("a.md")
    assert (texts(retriever.engine), enriched(retriever.engine)) == ([], 0)
    assert found(retriever, "hotel") == []


def test_another_embedder_encodes_entries_anew(
    knowledge: Knowledge, retriever: Retriever, settings: IndexerSettings
) -> None:
    id_ = knowledge.put("a.md", TRAVEL)
    with serving(travel_draft) as (url, _):
        run(retriever, settings, url)
    with Session(retriever.engine) as session:
        kept = take_entries(session, id_)
    (anew,) = encoded_anew(kept, lambda texts: WordEmbedder().encode_queries(["badge"] * len(texts))).values()
    (before,) = kept.values()
    assert [(kind, text) for kind, text, _ in anew.entries] == [(kind, text) for kind, text, _ in before.entries]
    assert {vector for _, _, vector in anew.entries} == {word_vector("badge").tobytes()}
    assert encoded_anew({}, WordEmbedder().encode_queries) == {}


@pytest.mark.parametrize(
    "garbage",
    [b"<html>", b"{}", b'{"choices": []}', b"\xff\xfe", json.dumps(completion("I cannot do that.")).encode()],
)
def test_garbage_is_counted_and_asked_for_again(
    garbage: bytes, knowledge: Knowledge, retriever: Retriever, settings: IndexerSettings
) -> None:
    knowledge.put("a.md", TRAVEL, PRINTER)
    with serving(lambda message: (200, garbage) if "lodging" in message else travel_draft(message)) as (url, _):
        report = run(retriever, settings, url)
    assert (report.passages, report.unusable, report.left) == (1, 1, 1)
    assert sum(report.reasons.values()) == 1
    with serving(travel_draft) as (url, requests):
        assert run(retriever, settings, url).left == 0
    assert len(requests) == 1


def test_progress_moves_on_over_garbage(knowledge: Knowledge, retriever: Retriever, settings: IndexerSettings) -> None:
    knowledge.put("a.md", PRINTER, TRAVEL)
    told: list[EnrichProgress] = []
    scope = Catalog(retriever.engine).everything()
    garbage = (200, b"no")
    with serving(lambda message: garbage if "lodging" in message else travel_draft(message)) as (url, _):
        retriever.follow()
        with closing(Writer(url)) as writer:
            enrich(settings, retriever.engine, retriever, writer, scope, on_progress=told.append)
    assert [(progress.done, progress.total) for progress in told] == [(1, 2), (2, 2)]


def test_a_server_that_only_sends_garbage_ends_the_run_and_keeps_what_was_written(
    knowledge: Knowledge, retriever: Retriever, settings: IndexerSettings
) -> None:
    knowledge.put("a.md", TRAVEL, *(f"Paragraph {n} says little." for n in range(PATIENCE)))
    with (
        serving(lambda message: travel_draft(message) if "lodging" in message else (200, b"no")) as (url, _),
        pytest.raises(DocentError, match="in a row"),
    ):
        run(retriever, settings, url)
    assert enriched(retriever.engine) == 1


def test_a_refusal_ends_the_run_with_the_servers_words(
    knowledge: Knowledge, retriever: Retriever, settings: IndexerSettings
) -> None:
    knowledge.put("a.md", TRAVEL)
    no = {"error": {"message": "Wrong key."}}
    with serving(lambda _: (401, no)) as (url, _), pytest.raises(DocentError, match="Wrong key"):
        run(retriever, settings, url)


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(StartError, match="cannot be reached"):
        Writer("http://127.0.0.1:9")


def test_an_unknown_model_is_named_with_those_there_are() -> None:
    with serving(travel_draft) as (url, _), pytest.raises(StartError, match="it has: phi"):
        Writer(url, model="gpt")


def test_docent_is_asked_without_retrieval(
    knowledge: Knowledge, retriever: Retriever, settings: IndexerSettings
) -> None:
    knowledge.put("a.md", TRAVEL)
    with serving(travel_draft, owner="docent") as (url, requests):
        run(retriever, settings, url)
    assert requests[0]["docent"] == {"retrieval": "off"}


# The filter


def kept(passage: str, finds: Callable[[str], bool] = lambda _: True, **draft: Any) -> list[str]:
    embedder = WordEmbedder()
    found = worth_keeping(proposed(Draft(**draft)), embedder.encode_queries, word_vector(passage), finds)
    return [one.text for one, _ in found]


def test_what_fits_any_passage_is_dropped() -> None:
    questions = ["What is this passage about?", "What does the document say?", "", "?", "lodging receipts when"]
    assert kept(TRAVEL, questions=questions) == ["lodging receipts when"]


def test_repeats_are_dropped() -> None:
    assert kept(TRAVEL, questions=["Lodging receipts?", "lodging receipts"]) == ["Lodging receipts?"]


def test_what_speaks_of_something_else_is_dropped() -> None:
    assert kept(TRAVEL, summary="Cats sleep most afternoons.", keywords=["cats", "dogs"]) == []


def test_a_question_that_does_not_find_its_passage_is_dropped() -> None:
    assert kept(
        TRAVEL, lambda question: "lodging" in question, questions=["lodging receipts", "reimbursement expenses"]
    ) == ["lodging receipts"]


def test_very_long_texts_are_dropped() -> None:
    assert kept(TRAVEL, questions=["lodging receipts " * 100], keywords=["lodging " * 50]) == []


@given(st.text())
def test_any_text_is_a_draft_or_unusable(text: str) -> None:
    try:
        draft = read_draft(text)
    except UnusableDraft:
        return
    assert all(isinstance(question, str) for question in draft.questions)


@pytest.mark.parametrize("around", ["{}", "```json\n{}\n```", "Sure! {} Hope this helps."])
def test_an_object_with_words_around_it_is_read(around: str) -> None:
    assert read_draft(around.replace("{}", '{"questions": ["a b?"]}')).questions == ["a b?"]


def test_a_chunk_without_entries_is_found_as_before(knowledge: Knowledge, retriever: Retriever) -> None:
    knowledge.put("a.md", TRAVEL)
    knowledge.put("b.md", PRINTER)
    assert found(retriever, "badge")[0] == PRINTER
