"""The types of what a request may say."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from server.web.parameters import LARGEST, Json, LastEventId, MaybeRow, Moment, Row, Whole, Words, read_number


def value(kind: Any, given_: object) -> Any:
    return TypeAdapter(kind).validate_python(given_)


@given(st.text())
def test_a_number_is_what_its_ascii_digits_say_or_none(text: str) -> None:
    number = read_number(text)
    assert number is None or (0 <= number <= LARGEST and str(number) == text.lstrip("0").rjust(1, "0"))


@pytest.mark.parametrize("text", ["", " 1", "+1", "-1", "1_0", "1.0", "\u0663", "\u00b2", str(LARGEST + 1), "9" * 5000])
def test_what_is_no_number_is_none(text: str) -> None:
    assert read_number(text) is None
    assert value(MaybeRow, text) is None
    assert value(LastEventId, text) == 0


def test_a_number_may_be_bounded_further() -> None:
    assert (read_number("10", 10), read_number("11", 10), read_number("100", 10)) == (10, None, None)
    assert (value(MaybeRow, "0"), value(MaybeRow, "7"), value(LastEventId, "0")) == (None, 7, 0)


@given(st.integers())
def test_whole_numbers_are_those_that_a_database_holds(number: int) -> None:
    for kind, least in ((Whole, -LARGEST - 1), (Row, 1)):
        if least <= number <= LARGEST:
            assert value(kind, str(number)) == number
        else:
            with pytest.raises(ValidationError):
                value(kind, str(number))


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
def test_a_number_over_64_bits_is_none(number: int) -> None:
    with pytest.raises(ValidationError):
        value(Whole, number)


@given(st.datetimes(timezones=st.timezones() | st.just(UTC)))
def test_a_moment_can_be_shown_in_any_zone(moment: datetime) -> None:
    try:
        read = value(Moment, moment)
    except ValidationError:
        assert moment.year in (1969, 1970, 9998, 9999) or not 1970 < moment.year < 9999
        return
    for hours in (-14, 14):
        assert (read.astimezone(UTC) + timedelta(hours=hours)).isoformat()


@pytest.mark.parametrize(
    "text", ["2026-01-01", "2026-01-01T00:00:00", "9999-12-31T23:59:59", "0001-01-01T00:00:00+14:00", "NaN", "1e400"]
)
def test_a_moment_has_a_zone_and_a_place_in_the_calendar(text: str) -> None:
    with pytest.raises(ValidationError):
        value(Moment, text)


@pytest.mark.parametrize("half", ["\ud800", "a\udfff", "\udc00\ud800"])
def test_half_a_surrogate_pair_is_no_text(half: str) -> None:
    for kind, given_ in ((Words, half), (Json, {"a": [half]}), (Json, {half: 1})):
        with pytest.raises(ValidationError, match="surrogate"):
            value(kind, given_)
    assert value(Words, "\U0001f600") == "\U0001f600"
