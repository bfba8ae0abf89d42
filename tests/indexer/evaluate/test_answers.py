"""Answers of a server that says what the test tells it to, over real HTTP."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from indexer.errors import DocentError
from indexer.evaluate.answers import ask_all
from indexer.evaluate.retrieval import EvaluationQuestion


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
    quotes = [{"document": "a.md", "page": None, "quote": "Leave is thirty days, says your manager."}]
    script.stream(
        {"choices": [{"delta": {"role": "assistant", "content": None}}]},
        delta("Thirty "),
        delta("days [1]."),
        {"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 5}},
        {
            "choices": [{"delta": {}, "finish_reason": "length"}],
            "docent": {
                "answered": True,
                "citations": citations,
                "mode": "model",
                "quotes": quotes,
                "answerability": 0.25,
            },
        },
    )
    (result,) = ask_all([question(history=(("user", "Before?"), ("assistant", "So.")))], endpoint, key="secret")
    assert (result.text, result.answered, result.citations) == ("Thirty days [1].", True, citations)
    assert (result.prompt_tokens, result.completion_tokens) == (40, 5)
    assert (result.mode, result.reason, result.quotes, result.answerability) == ("model", "length", quotes, 0.25)
    assert result.shown == "Thirty days [1].\nLeave is thirty days, says your manager."
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
        ([{"choices": [], "docent": {"answerability": "high"}}], "sent what no chat completion is"),
        ([{"choices": [], "docent": {"quotes": ["Thirty days."]}}], "sent what no chat completion is"),
        ([{"choices": [], "docent": {"citations": 5}}], "sent what no chat completion is"),
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


def test_without_retrieval_the_server_is_told_so(script: Script, endpoint: str) -> None:
    script.stream(delta("I do not know."))
    script.stream(delta("Thirty days."))
    ask_all([question()], endpoint, retrieval=False)
    ask_all([question()], endpoint)
    assert script.requests[0]["docent"] == {"retrieval": "off"}
    assert "docent" not in script.requests[1]


def test_a_server_that_is_not_docent_is_taken_at_its_word(script: Script, endpoint: str) -> None:
    script.stream(delta("Thirty days."), {"choices": [{"delta": {}, "finish_reason": "stop"}]})
    (result,) = ask_all([question()], endpoint)
    assert (result.answered, result.is_written, result.reason) == (True, True, "stop")
    assert (result.citations, result.quotes, result.answerability) == ([], [], None)
    assert result.shown == result.text == "Thirty days."
