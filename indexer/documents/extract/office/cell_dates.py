"""A number of days as the date, time or duration that a spreadsheet shows for it (pure)."""

import datetime
from decimal import Decimal

from indexer.documents.extract.office.number_format import HALVES, Section

_MONTHS = {
    0: "January February March April May June July August September October November December",
    7: "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    10: "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    12: "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    16: "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    19: "januari februari maart april mei juni juli augustus september oktober november december",
    22: "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
}
_DAYS = {
    0: "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    7: "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    10: "lunes martes miércoles jueves viernes sábado domingo",
    12: "lundi mardi mercredi jeudi vendredi samedi dimanche",
    16: "lunedì martedì mercoledì giovedì venerdì sabato domenica",
    19: "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    22: "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
}
"""Names by language, as a code may ask for: "[$-407]mmmm". English where it asks for none."""
_SHORT = {(7, 3): "Mrz", (12, 6): "juin", (12, 7): "juil.", (19, 3): "mrt"}  # months that are not cut to three letters
_SHORT_DAYS = {7: 2, 19: 2}
_DAY = 86_400_000  # milliseconds
_LAST_DAY = 2_958_465  # 9999-12-31
_FROM_1904 = 1_462  # days between the two ways to count
_MAC_START = datetime.datetime(1899, 12, 30)


def as_date(value: Decimal, section: Section, since_1904: bool) -> str:
    """Text by a section that has parts of dates; "" where the number is none."""
    step = _step(section)
    milliseconds = int(abs(value) * _DAY / step + Decimal("0.5")) * step
    elapsed = any(token.text.startswith("[") for token in section.tokens if token.kind == "date")
    if elapsed and abs(value) < _LAST_DAY:
        return "-" * (value < 0) + _put(section, None, milliseconds)
    days = milliseconds // _DAY + (_FROM_1904 if since_1904 else 0)
    if value < 0 or days > _LAST_DAY:
        return ""
    days += days < 60 and not since_1904  # a spreadsheet's year 1900 has a 29th of February
    moment = _MAC_START + datetime.timedelta(days=days, milliseconds=milliseconds % _DAY)
    if section.is_ambiguous or (milliseconds % _DAY == 0 and _is_moment(section)):
        return _unambiguous(section, moment)
    return " ".join(_put(section, moment, milliseconds % _DAY).split())


def _step(section: Section) -> int:
    """Milliseconds of the smallest part that is shown, if seconds are: these are rounded, all others cut."""
    parts = _parts(section)
    if not any(part.strip("[")[0] == "s" for part in parts):
        return 1
    places = max((len(part) - 1 for part in parts if part[0] == "."), default=0)
    return int(10 ** max(3 - places, 0))


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
            made.append(_part(token.text, moment, milliseconds, twelve, section.language))
    return "".join(made)


def _part(letters: str, moment: datetime.datetime | None, milliseconds: int, twelve: bool, language: int) -> str:
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
        name = _MONTHS.get(language, _MONTHS[0]).split()[moment.month - 1]
        short = _SHORT.get((language, moment.month), name[:3])
        return {1: str(moment.month), 2: f"{moment.month:02d}", 3: short, 5: name[0]}.get(width, name)
    name = _DAYS.get(language, _DAYS[0]).split()[moment.weekday()]
    short = name[: _SHORT_DAYS.get(language, 3)]
    if letter == "a":
        return name if width > 3 else short
    return {1: str(moment.day), 2: f"{moment.day:02d}", 3: short}.get(width, name)
