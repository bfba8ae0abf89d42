"""A number of days as the date, time or duration that a spreadsheet shows for it (pure)."""

import datetime
from decimal import Decimal

from indexer.documents.extract.number_format import HALVES, Section

_MONTHS = "January February March April May June July August September October November December".split()
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_DAY = 86_400_000  # milliseconds
_LAST_DAY = 2_958_465  # 9999-12-31
_FROM_1904 = 1_462  # days between the two ways to count
_MAC_START = datetime.datetime(1899, 12, 30)


def as_date(value: Decimal, section: Section, since_1904: bool) -> str:
    """Text by a section that has parts of dates; "" where the number is none."""
    milliseconds = int(value * _DAY + Decimal("0.5"))
    elapsed = any(token.text.startswith("[") for token in section.tokens if token.kind == "date")
    if elapsed and abs(value) < _LAST_DAY:
        sign, milliseconds = ("-", int(-value * _DAY + Decimal("0.5"))) if value < 0 else ("", milliseconds)
        return sign + _put(section, None, milliseconds)
    days = milliseconds // _DAY + (_FROM_1904 if since_1904 else 0)
    if value < 0 or days > _LAST_DAY:
        return ""
    days += days < 60 and not since_1904  # a spreadsheet's year 1900 has a 29th of February
    moment = _MAC_START + datetime.timedelta(days=days, milliseconds=milliseconds % _DAY)
    if section.is_ambiguous or (milliseconds % _DAY == 0 and _is_moment(section)):
        return _unambiguous(section, moment)
    return " ".join(_put(section, moment, milliseconds % _DAY).split())


def _parts(section: Section) -> list[str]:
    return [token.text for token in section.tokens if token.kind == "date"]


def _is_moment(section: Section) -> bool:
    """Day and time: programs write so where they know the day alone, and midnight then says nothing."""
    letters = {part[0] for part in _parts(section)}
    return {"y", "m", "d", "h"} <= letters


def _unambiguous(section: Section, moment: datetime.datetime) -> str:
    parts = _parts(section)
    if moment.time() == datetime.time() and _is_moment(section):
        return f"{moment:%Y-%m-%d}"
    clock = "" if not any(part[0] == "h" for part in parts) else " %H:%M"
    if clock and any(part[0] == "s" for part in parts):
        clock += ":%S"
    day = "%Y-%m-%d" if any(part[0] in "dy" for part in parts) else ""
    return moment.strftime(day + clock).strip()


def _put(section: Section, moment: datetime.datetime | None, milliseconds: int) -> str:
    twelve = any(part in HALVES for part in _parts(section))
    made = []
    for token in section.tokens:
        if token.kind != "date":
            made.append(token.text)
        elif token.text.startswith("["):
            unit = {"h": 3_600_000, "n": 60_000, "s": 1000}[token.text[1]]
            made.append(str(milliseconds // unit).rjust(len(token.text) - 2, "0"))
        else:
            made.append(_part(token.text, moment, milliseconds, twelve))
    return "".join(made)


def _part(letters: str, moment: datetime.datetime | None, milliseconds: int, twelve: bool) -> str:
    width, letter = len(letters), letters[0]
    hour = milliseconds // 3_600_000 % 24
    if letter == "h":
        return str(((hour - 1) % 12 + 1) if twelve else hour).rjust(min(width, 2), "0")
    if letter == "n":
        return str(milliseconds // 60_000 % 60).rjust(min(width, 2), "0")
    if letter == "s":
        return str(milliseconds // 1000 % 60).rjust(min(width, 2), "0")
    if letter == ".":
        return "." + f"{milliseconds % 1000:03d}"[: width - 1]
    if letters in HALVES:
        half = "AM" if hour < 12 else "PM"
        return half if letters == "am/pm" else half[0]
    if moment is None:
        return ""
    if letter in "ye":
        return f"{moment.year:04d}" if width > 2 or letter == "e" else f"{moment.year % 100:02d}"
    if letter == "m":
        name = _MONTHS[moment.month - 1]
        return {1: str(moment.month), 2: f"{moment.month:02d}", 3: name[:3], 5: name[0]}.get(width, name)
    name = _DAYS[moment.weekday()]
    if letter == "a":
        return name if width > 3 else name[:3]
    return {1: str(moment.day), 2: f"{moment.day:02d}", 3: name[:3]}.get(width, name)
