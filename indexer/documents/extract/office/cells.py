"""A spreadsheet cell's value as Excel shows it (pure).

Where Excel's own form would mislead, another: a date whose day and month only its country tells apart (3/5/26) is
2026-03-05, and a number without a format has all its digits.
"""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction

from indexer.documents.extract.office.cell_dates import as_date
from indexer.documents.extract.office.number_format import GENERAL, Plain, Section, Token, section_for, text_section

_LARGEST = Decimal("1e308")  # larger numbers no spreadsheet holds; written out they fill megabytes
_SMALLEST = Decimal("1e-307")
_LONGEST, _READ = 28, 400  # characters of a number that Python computes with exactly, and that are looked at
_PRECISE = 15  # significant digits that a spreadsheet computes with


def shown(value: str | bool | Decimal | None, code: str = GENERAL, since_1904: bool = False) -> str:
    """Text of a cell; "" for an empty one. `code` is its number format, `since_1904` how the workbook counts days."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        section = text_section(code)
        if section is None:
            return value
        return "".join(value if token.kind == "value" else token.text for token in section.tokens)
    if not value.is_finite() or abs(value) > _LARGEST:
        return ""
    return _number(value if abs(value) > _SMALLEST else Decimal(0), code, since_1904)


def number(text: str) -> Decimal | None:
    """The number that a file writes so; None where it is none."""
    text = text.strip()
    try:
        return Decimal(text) if len(text) <= _LONGEST else Decimal(repr(float(text[:_READ])))
    except (InvalidOperation, ValueError):
        return None


def _number(value: Decimal, code: str, since_1904: bool) -> str:
    section, minus = section_for(code, value)
    if section.has("date"):
        return as_date(value, section, since_1904) or _general(value)
    size = _precise(abs(value))
    if section.has("general"):
        digits = "".join(_general(size) if token.kind == "general" else token.text for token in section.tokens)
    elif section.has("exponent"):
        digits = _scientific(size, section)
    elif section.has("slash") and section.has("digit"):
        digits = _fraction(size, section)
    elif section.plain is not None:
        digits = _plain(size, section.plain)
    elif section.has("digit"):
        digits = _decimal(size, section)
    else:  # words alone, or the sign for text
        digits = "".join(_general(size) if token.kind == "value" else token.text for token in section.tokens)
    text = " ".join(digits.split())
    says_nothing = not any(character in "123456789" for character in text) and section.has("digit")
    return f"-{text}" if minus and not says_nothing else text


def _precise(size: Decimal) -> Decimal:
    """Without the dust that computing leaves behind the digits that count; whole numbers keep all of theirs."""
    if size == size.to_integral_value() or not size:
        return size
    places = _PRECISE - 1 - size.adjusted()
    return size.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) if places > 0 else size


def _general(value: Decimal) -> str:
    if value == value.to_integral_value():
        return str(int(value))
    return f"{float(value):.10g}".replace("e", "E")


def _plain(size: Decimal, form: Plain) -> str:
    text = f"{_to_places(size.scaleb(form.scale), form.most):{',' * form.grouped}f}"
    if form.most > form.least:
        kept = text[: len(text) - form.most + form.least]
        text = kept + text[len(kept) :].rstrip("0")
        text = text.removesuffix(".")
    if not form.least_whole:
        text = text.removeprefix("0")
    elif form.least_whole > 1:
        places = form.least_whole + (len(text) - text.find(".") if "." in text else 0)
        text = text.rjust(places, "0") if not form.grouped else text
    return form.before + text + form.behind


def _decimal(size: Decimal, section: Section) -> str:
    """Digits in their places, whatever stands between them: "(000) 000-0000"."""
    tokens = list(section.tokens)
    point = next((place for place, token in enumerate(tokens) if token.kind == "point"), len(tokens))
    whole, rest = tokens[:point], tokens[point + 1 :]
    last_digit = max((place for place, token in enumerate(whole) if token.kind == "digit"), default=-1)
    scaling = sum(1 for token in whole[last_digit + 1 :] if token.kind == "comma")
    grouped = any(token.kind == "comma" for token in whole[:last_digit])
    percent = sum(1 for token in tokens if token.kind == "percent")
    places = [token.text for token in rest if token.kind == "digit"]
    scaling += sum(1 for token in rest if token.kind == "comma")
    digits, decimals = _rounded(size.scaleb(2 * percent - 3 * scaling), len(places))
    kept = len(places)
    while kept and places[kept - 1] != "0" and decimals[kept - 1] == "0":
        kept -= 1
    return _whole(whole, digits, grouped) + _behind_point(rest, decimals[:kept])


def _rounded(size: Decimal, places: int) -> tuple[str, str]:
    """Digits before and behind the point; "" for none before it."""
    whole, _, decimals = f"{_to_places(size, places):f}".partition(".")
    return whole.lstrip("0"), decimals


def _to_places(size: Decimal, places: int) -> Decimal:
    """Halves are rounded up, as in a spreadsheet. Digit by digit: `quantize` and `scaleb` end at the precision of their
    context, and 1E+27 would lose its places."""
    scaled = size.scaleb(places)
    whole = int(scaled)
    whole += scaled - whole >= Decimal("0.5")
    return Decimal(f"{whole}E-{places}")


def _whole(tokens: list[Token], digits: str, grouped: bool) -> str:
    """The places before the point filled from the right; the first takes what is left; without any, all of it."""
    to_the_right = sum(1 for token in tokens if token.kind == "digit")
    made: list[str] = []
    is_first = True
    for token in tokens:
        if token.kind == "digit":
            to_the_right -= 1
            own = len(digits) - to_the_right  # digits up to this place
            taken = digits[: max(own, 0)] if is_first else digits[max(own - 1, 0) : max(own, 0)]
            is_first = False
            for place, digit in enumerate(taken or {"0": "0", "?": " "}.get(token.text, "")):
                behind = to_the_right + max(len(taken), 1) - 1 - place
                made.append(digit + "," * (grouped and digit != " " and behind > 0 and behind % 3 == 0))
        elif token.kind in ("text", "percent", "slash"):
            made.append(token.text)
    return "".join([*made, digits] if is_first else made)


def _behind_point(tokens: list[Token], decimals: str) -> str:
    made, place = ["." if decimals else ""], 0
    for token in tokens:
        if token.kind == "digit":
            made.append(decimals[place : place + 1])
            place += 1
        elif token.kind in ("text", "percent", "slash"):
            made.append(token.text)
    return "".join(made)


def _scientific(size: Decimal, section: Section) -> str:
    """A mantissa and an exponent; "##0.0E+0" has exponents that are multiples of three."""
    at = next(place for place, token in enumerate(section.tokens) if token.kind == "exponent")
    before, behind = section.tokens[:at], section.tokens[at + 1 :]
    point = next((place for place, token in enumerate(before) if token.kind == "point"), len(before))
    width = max(sum(1 for token in before[:point] if token.kind == "digit"), 1)
    exponent = size.adjusted() if size else 0
    exponent -= exponent % width if width > 1 else 0
    places = sum(1 for token in before[point:] if token.kind == "digit")
    if width == 1 and _to_places(size.scaleb(-exponent), places) >= 10:
        exponent += 1
    mantissa = _decimal(size.scaleb(-exponent), Section(tuple(before)))
    digits = str(abs(exponent)).rjust(sum(1 for token in behind if token.kind == "digit"), "0")
    sign = "-" if exponent < 0 else "+" * section.tokens[at].text.endswith("+")
    return f"{mantissa}E{sign}{digits}" + "".join(token.text for token in behind if token.kind == "text")


def _fraction(size: Decimal, section: Section) -> str:
    """`# ?/?`, `# ??/??`, `# ?/8`: whole number, then the nearest fraction with so many digits, or of so many parts."""
    slash = next(place for place, token in enumerate(section.tokens) if token.kind == "slash")
    before, behind = section.tokens[:slash], section.tokens[slash + 1 :]
    runs = _digit_runs(before)
    below = "".join(token.text for token in behind if token.kind in ("digit", "text")).strip()
    unit = "".join(token.text for token in behind if token.kind == "text" and not token.text.strip().isdigit())
    below = below.removesuffix(unit.strip()).strip()
    fixed = int(below) if below.isascii() and below.isdigit() and int(below) else 0
    whole = int(size) if len(runs) > 1 else 0
    rest = Fraction(size) - whole
    if fixed:
        above, parts = int(rest * fixed + Fraction(1, 2)), fixed
    else:
        width = min(max(sum(token.kind == "digit" for token in behind), 1), 4)
        near = rest.limit_denominator(10**width - 1)
        above, parts = near.numerator, near.denominator
    if len(runs) > 1 and above == parts:
        whole, above = whole + 1, 0
    text = f"{whole} {above}/{parts}" if whole and above else f"{above}/{parts}" if above else str(whole)
    return text + unit


def _digit_runs(tokens: tuple[Token, ...]) -> list[int]:
    """Lengths of the groups of places that stand together."""
    runs: list[int] = []
    inside = False
    for token in tokens:
        if token.kind == "digit":
            runs = [*runs[:-1], runs[-1] + 1] if inside else [*runs, 1]
        inside = token.kind == "digit"
    return runs
