"""A spreadsheet cell's value as a reader sees it (pure): numbers by their format, dates in the form 2024-03-05."""

import datetime
import re
from decimal import Decimal
from typing import Any

_LITERAL = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]|[_*].|\[[^\]]*\]')
_NUMBER = re.compile(r"[#0?][#0?,]*(\.[#0?]+)?")


def shown(value: Any, number_format: str = "General") -> str:
    """Text of a cell; "" for an empty one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float | Decimal):
        number = float(value)
        return str(value) if 1e15 <= abs(number) < float("inf") else _number(number, number_format)
    if isinstance(value, datetime.datetime):
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.replace(tzinfo=None).isoformat(" ", "minutes")
    if isinstance(value, datetime.time):
        return value.isoformat("minutes")
    return str(value)


def _number(value: float, number_format: str) -> str:
    """`value` by the first section of its format: decimals, thousands, percent, text around it."""
    if value != value or value in (float("inf"), float("-inf")):
        return ""
    section = (number_format or "General").split(";")[0]
    pattern = _LITERAL.sub("", section)
    digits = _NUMBER.search(pattern)
    if digits is None or "/" in pattern or "E+" in pattern:
        return _general(value)
    scaled = value * 100 if "%" in pattern else value
    places = len(digits[1]) - 1 if digits[1] else 0
    width = digits[0].split(".")[0].count("0") + (places + 1 if places else 0)
    text = f"{scaled:{'0' + str(width) if '#' not in digits[0] else ''}{',' if ',' in digits[0] else ''}.{places}f}"
    if digits[1] and "#" in digits[1]:
        text = text.rstrip("0").rstrip(".")
    sign = "-" if text.startswith("-") else ""
    before, after = _around(section)
    return f"{sign}{before}{text.removeprefix('-')}{after}".strip()


def _around(section: str) -> tuple[str, str]:
    """The text that a format puts before and after the digits."""
    text = _LITERAL.sub(lambda m: m[1] or m[2] or m[3] or "", section)
    digits = _NUMBER.search(text)
    if digits is None:
        return "", ""
    before = re.sub(r"[^\w$€£¥₹% .:-]|[#0?]", "", text[: digits.start()])
    return before.lstrip("-"), re.sub(r"[#0?,()]", "", text[digits.end() :])


def _general(value: float) -> str:
    return str(int(value)) if value.is_integer() else f"{value:.10g}"
