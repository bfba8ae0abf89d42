"""Bodies are read in threads, within bounds that are looked at before anything is built."""

import contextlib
import json
from typing import Annotated
from urllib.parse import unquote_plus, urlencode

import pytest
from fastapi import APIRouter, FastAPI, Form
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from server.web import bodies
from server.web.bodies import MOST_DEPTH, MOST_FIELDS, MOST_TOKENS, PIECE, JsonRoute, read_form, read_json
from tests.server.loop_watch import LoopWatch

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


class Body(BaseModel):
    number: int


@given(VALUES, st.booleans())
def test_json_is_read_as_it_was_meant(value: object, plain: bool) -> None:
    assert read_json(json.dumps(value, ensure_ascii=plain).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_refused(body: bytes) -> None:
    with contextlib.suppress(HTTPException, json.JSONDecodeError):
        read_json(body)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_what_is_nested_too_deep_is_refused(opening: bytes) -> None:
    with pytest.raises(HTTPException, match="nested more than"):
        read_json(opening * (MOST_DEPTH + 1))
    depth = b"[" * MOST_DEPTH + b"]" * MOST_DEPTH
    assert read_json(b'{"a":%s}' % depth[1:-1])


def test_brackets_in_a_text_are_no_depth() -> None:
    text = '[{"' * 1000
    assert read_json(json.dumps([text, {"a": text}]).encode()) == [text, {"a": text}]


@pytest.mark.parametrize(
    "part", [b"1,", b"[],", b"{},", b'"",', b'{"a":1},'], ids=["numbers", "lists", "objects", "texts", "fields"]
)
def test_more_values_than_any_request_needs_are_refused_before_they_are_built(
    part: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(read_json(b"[" + part * 4000 + b"1]")) == 4001
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("built"))
    with pytest.raises(HTTPException, match="more values") as refused:
        read_json(b"[" + part * MOST_TOKENS + b"1]")
    assert refused.value.status_code == 413


def test_a_long_text_is_one_value() -> None:
    text = 'a "quoted", [bracketed] {braced} line,\n' * 25_000  # nearly a megabyte
    assert read_json(json.dumps({"input": text}).encode()) == {"input": text}


@pytest.mark.parametrize("text", ['"\\', '"' * 3, '"\\"', '["a\\\\"', '"\\u', "[1", "{]", '"a'])
def test_a_text_without_an_end_is_no_json(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        read_json(text.encode())
    with pytest.raises((json.JSONDecodeError, HTTPException)):
        read_json(b"[[" * MOST_DEPTH + text.encode())


@pytest.mark.parametrize("number", ["9" * 5000, str(2**64), str(-(2**63) - 1), "1e400", "-1e400", "NaN", "-Infinity"])
def test_a_number_that_nothing_holds_is_refused(number: str) -> None:
    with pytest.raises(HTTPException) as refused:
        read_json(f'{{"a": [{number}]}}'.encode())
    assert refused.value.status_code == 400


@pytest.mark.parametrize("body", [b"\xff", b'"\xed\xa0\x80"', '{"a": 1}'.encode("utf-16"), '"a"'.encode("utf-32-le")])
def test_what_is_not_utf_8_is_refused(body: bytes) -> None:
    with pytest.raises((HTTPException, json.JSONDecodeError)):
        read_json(body)


def test_a_form_is_read_with_what_is_no_utf_8_shown_as_such() -> None:
    form = read_form(b"question=a+b%20c&title=%ff&title=two&empty=&\xff=1")
    assert form.multi_items() == [
        ("question", "a b c"),
        ("title", "\ufffd"),
        ("title", "two"),
        ("empty", ""),
        ("\ufffd", "1"),
    ]


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_a_form_is_read_as_it_was_written(fields: list[tuple[str, str]]) -> None:
    assert read_form(urlencode(fields).encode()).multi_items() == fields


@pytest.mark.parametrize("escaped", ["%41", "%e6%bc%a2", "a%", "%4", "+%20"])
@pytest.mark.parametrize("shift", range(4))
def test_a_long_form_is_read_alike_wherever_its_pieces_end(escaped: str, shift: int) -> None:
    text = "x" * shift + escaped * (3 * PIECE // len(escaped))
    assert read_form(f"a={text}".encode())["a"] == unquote_plus(text)


@given(st.binary(max_size=200))
def test_no_form_holds_half_a_surrogate_pair(body: bytes) -> None:
    for name, value in read_form(body.replace(b"&", b"")).multi_items():
        f"{name}{value}".encode()


def test_a_form_of_many_fields_is_refused() -> None:
    with pytest.raises(HTTPException, match=f"more than {MOST_FIELDS} fields"):
        read_form(b"a=1&" * MOST_FIELDS + b"a=1")


def test_bodies_are_read_in_threads(loop_watch: LoopWatch) -> None:
    """By the route classes alone: what a new route takes is read so as well."""
    api = APIRouter(route_class=JsonRoute)
    pages = APIRouter(route_class=FormOnly)

    @api.post("/json")
    async def number(body: Body) -> int:
        return body.number

    @pages.post("/form")
    async def words(text: Annotated[str, Form()]) -> str:
        return text

    app = FastAPI()
    app.include_router(api)
    app.include_router(pages)
    loop_watch.watch(bodies, "read_form")
    loop_watch.watch(json, "loads")
    loop_watch.watch(Body, "model_validate")
    with TestClient(app) as client:
        loop_watch.begin()
        assert client.post("/json", json={"number": 5}).text == "5"
        assert client.post("/json", json={"number": "x"}).status_code == 422
        assert client.post("/form", data={"text": "a"}).text == '"a"'
    assert (loop_watch.on_loop, loop_watch.in_threads) == ([], ["loads", "model_validate"] * 2 + ["read_form"])


class FormOnly(JsonRoute):
    """As pages read theirs, without what they need besides."""

    def get_route_handler(self):  # type: ignore[no-untyped-def]
        handle = super(JsonRoute, self).get_route_handler()

        async def read(request):  # type: ignore[no-untyped-def]
            return await handle(bodies.FormRequest(request.scope, request.receive))

        return read
