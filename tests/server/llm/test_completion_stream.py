"""The reader of another server's stream, at every split of its bytes and on garbage."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.llm.completion_stream import MAX_LINE, BadStream, CompletionStream
from server.llm.generator import TokenLogprob, Usage
from tests.server.llm.scripted_api import DONE, event

WHOLE = (
    b": a comment\r\n\r\nevent: message\n"
    + event("Gr\u00fc\u00df")
    + event(" Gott")
    + event(reason="length", usage={"prompt_tokens": 9, "completion_tokens": 2})
    + DONE
    + b"what comes after the end\n"
)


def read(parts: list[bytes]) -> tuple[str, str | None, Usage | None, bool]:
    stream = CompletionStream()
    chunks = [chunk for part in parts for chunk in stream.feed(part)] + stream.flush()
    used = [chunk.used for chunk in chunks if chunk.used]
    reasons = [chunk.finish_reason for chunk in chunks if chunk.finish_reason]
    return "".join(chunk.text for chunk in chunks), reasons[0], used[0], stream.ended


def test_every_split_gives_the_same() -> None:
    wanted = ("Gr\u00fc\u00df Gott", "length", Usage(9, 2), True)
    assert read([WHOLE]) == wanted
    assert read([WHOLE[i : i + 1] for i in range(len(WHOLE))]) == wanted
    for at in range(len(WHOLE)):
        assert read([WHOLE[:at], WHOLE[at:]]) == wanted


def test_a_last_line_without_an_end_is_read() -> None:
    stream = CompletionStream()
    assert stream.feed(event("whole").rstrip()) == []
    assert [chunk.text for chunk in stream.flush()] == ["whole"]


def test_log_probabilities_and_cached_tokens_are_read() -> None:
    stream = CompletionStream()
    logprobs = {"content": [{"token": "a", "logprob": -0.5, "top_logprobs": [{"token": "b", "logprob": -1}]}]}
    line = event("a").replace(b'"index": 0', b'"logprobs": ' + str(logprobs).replace("'", '"').encode())
    (chunk,) = stream.feed(line)
    assert chunk.tokens == (TokenLogprob("a", -0.5, (("b", -1.0),)),)
    (chunk,) = stream.feed(
        b'data: {"choices": [], "usage": {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 3}}}\n'
    )
    assert chunk.used == Usage(5, 0, 3)


@pytest.mark.parametrize("said", [b'{"error": "no memory"}', b'{"error": {"message": "no memory", "code": 500}}'])
def test_an_error_in_the_stream_is_kept(said: bytes) -> None:
    (chunk,) = CompletionStream().feed(b"data: " + said + b"\n")
    assert chunk.error is not None
    assert chunk.error.message == "no memory"


@pytest.mark.parametrize(
    "garbage",
    [
        b"<html>\n",
        b"data: {\n",
        b"data: []\n",
        b'data: {"choices": 5}\n',
        b"\x00\xff\n",
        b'data: {"choices": [{"delta": {"content": "\\ud800"}}]}\n',
        b"data: " + b"[" * 10_000 + b"\n",
    ],
)
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(BadStream):
        CompletionStream().feed(garbage)


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    stream = CompletionStream()
    for _ in range(MAX_LINE // 1024):
        assert stream.feed(b"x" * 1024) == []
    with pytest.raises(BadStream):
        stream.feed(b"x")


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_bytes_are_read_or_refused(parts: list[bytes]) -> None:
    stream = CompletionStream()
    with suppress(BadStream):
        for part in parts:
            stream.feed(part)
        stream.flush()
