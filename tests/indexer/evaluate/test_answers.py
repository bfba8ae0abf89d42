"""Answers of a server that says what the test tells it to, over real HTTP."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from indexer.errors import DocentError
from indexer.evaluate.answers import AnswerResult, answer_measures, ask_all
from indexer.evaluate.by_question import add_answers, question_rows, summarise_answers
from indexer.evaluate.facts import plain
from indexer.evaluate.retrieval import EvaluationQuestion, RetrievalReport


class Script:
    """What the server answers next, and what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str]] = []
        self.requests: list[dict[str, object]] = []
        self.keys: list[str | None] = []

    def stream(self, *chunks: object) -> None:
        lines = [f"data: {chunk if isinstance(chunk, str) else json.dumps(chunk)}\n\n" for chunk in (*chunks, "[DONE]")]
        self.answers.append((200, ": a comment\n\n" + "".join(lines)))


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def endpoint(script: Script) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            script.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            script.keys.append(self.headers["Authorization"])
            status, body = script.answers.pop(0)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def question(**fields: object) -> EvaluationQuestion:
    return EvaluationQuestion(**{"id": "q", "question": "How long?", "gold": ("a.md",), **fields})  # type: ignore[arg-type]


def delta(text: str) -> dict[str, object]:
    return {"choices": [{"delta": {"content": text}}]}


def test_a_streamed_answer_is_put_together(script: Script, endpoint: str) -> None:
    citations = [{"n": 1, "document": "a.md", "page": None}]
    script.stream(
        {"choices": [{"delta": {"role": "assistant", "content": None}}]},
        delta("Thirty "),
        delta("days [1]."),
        {"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 5}},
        {"choices": [{"delta": {}}], "docent": {"answered": True, "citations": citations}},
    )
    (result,) = ask_all([question(history=(("user", "Before?"), ("assistant", "So.")))], endpoint, key="secret")
    assert (result.text, result.answered, result.citations) == ("Thirty days [1].", True, citations)
    assert (result.prompt_tokens, result.completion_tokens) == (40, 5)
    assert result.first_token_ms is not None
    assert [message["content"] for message in script.requests[0]["messages"]] == ["Before?", "So.", "How long?"]  # type: ignore[attr-defined]
    assert script.keys == ["Bearer secret"]


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ([delta("Half "), {"error": {"message": "the model is gone"}}], "the model is gone"),
        (["{broken"], "sent what no chat completion is"),
        (["[1, 2]"], "sent what no chat completion is"),
        ([{"choices": [{"delta": None}]}], "sent what no chat completion is"),
        ([{"choices": [], "usage": {"tokens": 1}}], "sent what no chat completion is"),
    ],
)
def test_streams_that_are_none(chunks: list[object], message: str, script: Script, endpoint: str) -> None:
    script.stream(*chunks)
    with pytest.raises(DocentError, match=message):
        ask_all([question()], endpoint)


def test_a_refusal_says_what_the_server_said(script: Script, endpoint: str) -> None:
    script.answers.append((401, "no key"))
    with pytest.raises(DocentError, match="answered 401: no key"):
        ask_all([question()], endpoint)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "127.0.0.1:8000", "nonsense", "http://[broken", ""])
def test_addresses_where_nothing_answers(address: str) -> None:
    with pytest.raises(DocentError):
        ask_all([question()], address)


# Figures


@pytest.mark.parametrize(
    ("text", "answer", "held"),
    [
        ("It is **thirty days** [1].", "Thirty Days", True),
        ("It’s the manager's.", "the manager’s", True),
        ("Five in all: 15.", "5", False),
        ("It costs 5.50 dollars.", "5", False),
        ("It costs 5.", "5", True),
        ("It costs 1,500 dollars", "500", False),
        ("In 1999 [2].", "1999", True),
        ("It is thirty [2] days.", "thirty days", True),
        ("Anything.", "[1]", False),
        ("Anything.", "", False),
        ("See [5].", "5", False),
    ],
)
def test_containment(text: str, answer: str, held: bool) -> None:
    assert AnswerResult(question(answers=(answer,)), text, True).contains is held


def test_every_fact_must_be_there_in_one_of_its_forms() -> None:
    facts = question(must=(("30 days", "thirty days"), ("manager",)))
    assert AnswerResult(facts, "Thirty days, says your manager.", True).contains
    assert not AnswerResult(facts, "Thirty days.", True).contains


def test_plain_text_folds_white_space_and_marks() -> None:
    assert plain("A\n *b*  [12] c!") == "a b c"


def figures_of(*results: AnswerResult) -> dict[str, Any]:
    rows = question_rows([result.question for result in results], RetrievalReport(), {})
    add_answers(rows, results)
    return summarise_answers(rows)


def test_figures_by_hand() -> None:
    hit = {"n": 1, "document": "a.md", "page": None}
    miss = {"n": 2, "document": "b.md"}
    foreign = {"n": 3}
    figures = figures_of(
        AnswerResult(question(answers=("30",)), "30 days [1]. Ask first.", True, [hit, miss, foreign], 10, 4, 100.0),
        AnswerResult(question(answers=("30",)), "No.", False, [], 20, 0, None),
        AnswerResult(question(answerable=False), "I cannot say.", False, [], 30, 0, 300.0),
        AnswerResult(question(answerable=False), "Perhaps [1].", True, [hit], 20, 0, None),
        AnswerResult(question(answerable=None), "Either.", False, [], 20, 1, None),
    )
    assert figures == {
        "contains": 0.5,
        "abstention": {"precision": 0.5, "recall": 0.5, "false_refusals": 0.5},
        "citations": {"precision": 0.3333, "recall": 0.5},
        "tokens": {"prompt": 20.0, "completion": 1.0},
        "first_token_ms": 200.0,
    }


def test_shares_of_nothing_are_none() -> None:
    figures = figures_of()
    assert figures["contains"] is None
    assert set(figures["abstention"].values()) == {None}


def test_a_set_that_names_no_answer_says_nothing_of_containment() -> None:
    assert figures_of(AnswerResult(question(), "Thirty days.", True))["contains"] is None


@pytest.mark.parametrize(
    ("citation", "right"),
    [
        ({"document": "a.md", "page": 4, "quote": "Nothing of it."}, 1),
        ({"document": "other.md", "quote": "Employees get 30 days."}, 1),
        ({"document": "other.md", "quote": "Ask your manager."}, 1),
        ({"document": "other.md", "quote": "Employees get 130 days."}, 0),
        ({"document": "other.md", "quote": None}, 0),
        ({"document": None, "quote": 5}, 0),
    ],
)
def test_a_citation_is_right_when_it_points_to_gold_or_holds_the_answer(citation: dict[str, Any], right: int) -> None:
    asked = question(answers=("30 days",), must=(("manager", "boss"),))
    measures = answer_measures(AnswerResult(asked, "So [1].", True, [citation]))
    assert measures["citations.precision"] == (right, 1)


@pytest.mark.parametrize(
    ("text", "cited", "sentences"),
    [
        ("Thirty days. [1] Ask first. [2][3]", 2, 2),
        ("> Thirty days. [1]\n\n> Ask first.", 1, 2),
        ("- one [1]\n- two", 1, 2),
        ("---\n\n[1]", 0, 0),
        ("", 0, 0),
    ],
)
def test_each_sentence_wants_a_citation(text: str, cited: int, sentences: int) -> None:
    assert answer_measures(AnswerResult(question(), text, True))["citations.recall"] == (cited, sentences)


def test_a_refusal_has_no_citations_to_judge() -> None:
    assert "citations.recall" not in answer_measures(AnswerResult(question(), "The documents do not say.", False))


def test_without_retrieval_the_server_is_told_so(script: Script, endpoint: str) -> None:
    script.stream(delta("I do not know."))
    script.stream(delta("Thirty days."))
    ask_all([question()], endpoint, retrieval=False)
    ask_all([question()], endpoint)
    assert script.requests[0]["docent"] == {"retrieval": "off"}
    assert "docent" not in script.requests[1]
