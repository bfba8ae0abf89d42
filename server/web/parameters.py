"""What a request may say: the types of its numbers, texts and times, each bounded by what stands behind it.

A number is one that SQLite's integers hold, a text is Unicode, a time has a zone and a place in the calendar whatever
zone it is shown in. Every parameter of every route has one of these types: the tests walk the routes and hold new ones
to it. A bound that is missing here is an error of the database there.
"""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Header, Path
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

LARGEST = 2**63 - 1
"""SQLite's integers go so far, and one further down."""


def read_number(text: str, most: int = LARGEST) -> int | None:
    """The number that a header or address says in ASCII digits, of 0 to `most`; None for everything else.

    `int` alone raises for more than 4,300 digits, and takes the digits of every script.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        return None
    number = int(text)
    return number if number <= most else None


def _row_or_none(value: object) -> object:
    return (read_number(value) or None) if isinstance(value, str) else value


def _event_or_none(value: object) -> object:
    return (read_number(value) or 0) if isinstance(value, str) else value


def _well_formed(text: str) -> str:
    """JSON may escape half a surrogate pair, which no database and no tokenizer takes."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("the text holds half a surrogate pair, which is not valid Unicode") from error
    return text


def _well_formed_throughout(value: dict[str, Any]) -> dict[str, Any]:
    _well_formed(json.dumps(value, ensure_ascii=False))
    return value


Whole = Annotated[int, Field(ge=-LARGEST - 1, le=LARGEST)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Row = Annotated[int, Field(ge=1, le=LARGEST)]

RowId = Annotated[Row, Path()]
"""A number in an address that names a row: what cannot name one is nowhere, 404."""

MaybeRow = Annotated[Row | None, BeforeValidator(_row_or_none)]
"""A row that a form or an address may name; None where it names none, and where what stands there cannot name one."""

LastEventId = Annotated[Count, BeforeValidator(_event_or_none), Header()]
"""The last event of a stream that a page saw: 0 where it says nothing that can be one."""

Words = Annotated[str, AfterValidator(_well_formed)]

Moment = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), le=datetime(9999, 1, 1, tzinfo=UTC))]
"""A time with its zone, a year away from where the calendar ends: in no zone does it fall off."""

Json = Annotated[dict[str, Any], AfterValidator(_well_formed_throughout)]
"""An object whose form is not ours. web/bodies.py has bounded its depth."""
