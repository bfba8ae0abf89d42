"""Bodies to values, in a thread, and within bounds that hold before anything is built of them.

json.loads of a megabyte of `[],[],` takes a fifth of a second and lets no other thread run meanwhile, and as many wrong
values take half a second to be told: a body with more values than any request needs is refused unread. Routes of
programs have `JsonRoute`, those of pages read their forms with `FormRequest`: a new route reads nothing on the loop.
"""

import asyncio
import json
import math
import re
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

MOST_TOKENS = 50_000
"""Strings, brackets, braces and commas of a JSON body: some 10 ms to build; 2,048 texts to embed have 4,100, and 4,096
messages of a chat 37,000."""
MOST_DEPTH = 250
"""Brackets and braces within each other: json, pydantic and what reads a schema all fail at some 1,000."""
MOST_DIGITS = 20  # of a whole number: 64 bits have as many with their sign
MOST_FIELDS = 150  # of a form; the largest of ours has a box for each of the 100 files of a page
PIECE = 1 << 14  # bytes of a form that are unquoted at once: two milliseconds

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)
"""A string, closed or not, or a mark outside of strings: each byte is looked at once."""


class JsonRequest(Request):
    """A request whose JSON is read and checked in a thread."""

    model: type[BaseModel] | None = None

    async def json(self) -> Any:
        """The model, or the value where it is none: FastAPI finds the same faults again and tells them.

        Raises json.JSONDecodeError and HTTPException: what else FastAPI would call an error of ours.
        """
        return await asyncio.to_thread(read_model, await self.body(), self.model)


class JsonRoute(APIRoute):
    """The route class of what programs call: `APIRouter(route_class=JsonRoute)`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        (kind, *others) = [one.field_info.annotation for one in self.dependant.body_params] or [None]
        model = kind if not others and isinstance(kind, type) and issubclass(kind, BaseModel) else None

        async def handle_json(plain: Request) -> Response:
            request = JsonRequest(plain.scope, plain.receive)
            request.model = model
            return await handle(request)

        return handle_json


class FormRequest(Request):
    """A request whose form is read in a thread. Files are not in it: an upload reads its body itself."""

    async def form(self, **_limits: Any) -> FormData:  # type: ignore[override]  # none of its parts is a file to close
        """Raises HTTPException for one with more than MOST_FIELDS fields."""
        if self._form is None:
            self._form = await asyncio.to_thread(read_form, await self.body())
        return self._form


def read_model(body: bytes, model: type[BaseModel] | None) -> Any:
    """Raises json.JSONDecodeError, HTTPException."""
    value = read_json(body)
    try:
        return value if model is None else model.model_validate(value)
    except ValidationError:
        return value


def read_json(body: bytes) -> Any:
    """The value of a body. Raises json.JSONDecodeError, and HTTPException where it is larger than any request needs.

    Numbers have at most 64 bits, or are finite.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HTTPException(400, f"The body is not UTF-8: byte {error.start} cannot be read.") from error
    _check_shape(body)
    return json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_no_number)


def _check_shape(body: bytes) -> None:
    """Raises HTTPException for more tokens or depth than is read. Most bodies are too small to be looked at closely."""
    opened = body.count(b"[") + body.count(b"{")
    if opened <= MOST_DEPTH and opened + body.count(b",") + body.count(b'"') <= MOST_TOKENS:
        return
    depth = 0
    for tokens, match in enumerate(_TOKEN.finditer(body)):
        mark = body[match.start()]
        depth += (mark in b"[{") - (mark in b"]}")
        if tokens >= MOST_TOKENS:
            raise HTTPException(413, "The body holds more values than any request needs. Send less at a time.")
        if depth > MOST_DEPTH:
            raise HTTPException(400, f"The body is nested more than {MOST_DEPTH} deep. Send it flatter.")


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS or not -(2**63) <= (number := int(digits)) < 2**64:
        raise HTTPException(400, f"The body holds a whole number of more than 64 bits: {digits[:MOST_DIGITS]}.")
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise HTTPException(400, f"The body holds a number that is too large: {digits[:MOST_DIGITS]}.")
    return number


def _no_number(name: str) -> NoReturn:
    raise HTTPException(400, f"The body is not valid JSON: {name} is no number there.")


def read_form(body: bytes) -> FormData:
    """The fields of an urlencoded body; what is not UTF-8 in it is shown as such. Raises HTTPException."""
    if body.count(b"&") >= MOST_FIELDS:
        raise HTTPException(400, f"The form has more than {MOST_FIELDS} fields.")
    fields: list[tuple[str, str | UploadFile]] = []
    for part in filter(None, body.split(b"&")):
        name, _, value = part.partition(b"=")
        fields.append((_unquoted(name), _unquoted(value)))
    return FormData(fields)


def _unquoted(part: bytes) -> str:
    """In pieces: urllib takes a megabyte of %41 apart in steps of a tenth of a second, and no other thread runs."""
    plain, at = [], 0
    while at < len(part):
        end = at + PIECE
        if (cut := part.rfind(b"%", end - 2, end)) > 0:  # what it begins ends in the next piece
            end = cut
        plain.append(unquote_to_bytes(part[at:end].replace(b"+", b" ")))
        at = end
    return b"".join(plain).decode("utf-8", "replace")
