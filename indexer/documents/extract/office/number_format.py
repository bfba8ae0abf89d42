"""Excel's codes for how numbers are shown ("#,##0.00;[Red]-0", "[h]:mm"), parsed (pure).

What each sign means: ECMA-376 part 1, 18.8.31. Colours, fill signs and the widths of signs leave no trace in text.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal

LONGEST = 1_000
"""Characters of a code: Excel itself ends at 255. A longer one is taken for General."""
GENERAL = "General"

BUILT_IN = {0: GENERAL, 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00"}
BUILT_IN |= {5: "$#,##0_);($#,##0)", 6: "$#,##0_);($#,##0)", 7: "$#,##0.00_);($#,##0.00)", 8: "$#,##0.00_);($#,##0.00)"}
BUILT_IN |= {12: "# ?/?", 13: "# ??/??", 14: "m/d/yyyy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM"}
BUILT_IN |= {19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "m/d/yyyy h:mm", 45: "mm:ss", 46: "[h]:mm:ss"}
BUILT_IN |= {37: "#,##0_);(#,##0)", 38: "#,##0_);(#,##0)", 39: "#,##0.00_);(#,##0.00)", 40: "#,##0.00_);(#,##0.00)"}
BUILT_IN |= {41: '#,##0_);(#,##0);"-"', 42: '$#,##0_);($#,##0);"-"', 43: '#,##0.00_);(#,##0.00);"-"'}
BUILT_IN |= {44: '$#,##0.00_);($#,##0.00);"-"', 47: "mm:ss.0", 48: "##0.0E+0", 49: "@"}
BUILT_IN |= dict.fromkeys((*range(27, 37), *range(50, 59)), "yyyy-mm-dd")  # dates in forms of East Asia
"""Codes that a file names by number alone."""

Kind = Literal["text", "digit", "point", "comma", "percent", "exponent", "slash", "date", "value", "general"]
_OWN_KINDS: tuple[Kind, ...] = ("general", "digit", "point", "comma", "percent", "exponent", "slash", "value")

_TOKEN = re.compile(
    r"""(?P<quoted>"[^"]*"?)|\\(?P<escaped>.)|(?P<unseen>[_*].?)|\[\$(?P<currency>[^\]-]*)[^\]]*\]
      |(?P<elapsed>\[(?:h+|m+|s+)\])|\[(?P<condition>[<>=]+)(?P<limit>-?[\d.]+)\]|(?P<bracket>\[[^\]]*\])
      |(?P<general>General|Standard)|(?P<half>AM/PM|A/P)|(?P<exponent>E[+-])|(?P<date>y+|m+|d+|h+|s+|e+|aaaa?)
      |(?P<digit>[0#?])|(?P<point>\.)|(?P<comma>,)|(?P<percent>%)|(?P<slash>/)|(?P<value>@)|(?P<other>.)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
HALVES = ("am/pm", "a/p")
_PLAIN = re.compile(r"(?P<whole>(?:#|,(?=[#,]*[0#]))*(?:0|,(?=[0,]*0))*)(?P<scaling>,*)(?:\.(?P<decimals>0*[#?]*))?")
_LANGUAGE = re.compile(r"\[\$[^\]-]*-(?:([0-9A-Fa-f]{3,8})|([A-Za-z]{2})(?:-[A-Za-z]+)*)[^\]]*\]")
_BY_NAME = {"de": 7, "es": 10, "fr": 12, "it": 16, "nl": 19, "pt": 22}
_SYSTEM_DATE = re.compile(r"\[\$-[fx]*f?[48]00\]", re.IGNORECASE)
"""How the reader's own system writes dates or times."""


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is what stands there: the literal words, the placeholder, the letters of a part of a date."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Plain:
    """A section whose digits stand together, as nearly all do: 10,000 numbers a second each would be too slow else."""

    before: str
    behind: str
    scale: int  # powers of ten
    grouped: bool
    least_whole: int  # digits, and the next two behind the point
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Section:
    """How one kind of number is shown; `condition` says which where the code does."""

    tokens: tuple[Token, ...]
    condition: tuple[str, Decimal] | None = None
    is_ambiguous: bool = False  # a date whose form depends on the reader's country
    language: int = 0  # of the names of months and days: the low byte of Windows' number for it
    kinds: frozenset[Kind] = frozenset()
    plain: Plain | None = None

    def has(self, *kinds: Kind) -> bool:
        return not self.kinds.isdisjoint(kinds)


@lru_cache(maxsize=4096)
def sections(code: str) -> tuple[Section, ...]:
    """The sections of a code, at least one."""
    if not code or len(code) > LONGEST:
        code = GENERAL
    found: list[Section] = []
    tokens: list[Token] = []
    condition = None
    for match in _TOKEN.finditer(code):
        if match["other"] == ";":
            found.append(_section(tokens, condition, code))
            tokens, condition = [], None
        elif match["condition"]:
            condition = _condition(match["condition"], match["limit"])
        else:
            tokens += _tokens(match)
    return (*found, _section(tokens, condition, code))


def _tokens(match: re.Match[str]) -> list[Token]:
    kind = match.lastgroup or ""
    text = match[0]
    if kind == "quoted":
        return [Token("text", text.strip('"'))]
    if kind in ("escaped", "currency"):
        return [Token("text", match[kind])] if match[kind] else []
    if kind in ("unseen", "bracket"):
        return [Token("text", " ")] if text == "_ " else []
    if kind in ("elapsed", "half", "date"):
        return [Token("date", text.lower())]
    return [Token(next((own for own in _OWN_KINDS if own == kind), "text"), text)]


def _section(tokens: list[Token], condition: tuple[str, Decimal] | None, code: str) -> Section:
    is_date = any(token.kind == "date" for token in tokens)
    if is_date:
        tokens = _date_tokens(tokens)
    kinds = frozenset(token.kind for token in tokens)
    is_ambiguous = is_date and (bool(_SYSTEM_DATE.search(code)) or _is_ambiguous(tokens))
    language = _LANGUAGE.search(code)
    low_byte = 0
    if language:
        low_byte = int(language[1], 16) & 0xFF if language[1] else _BY_NAME.get(language[2].lower(), 0)
    return Section(tuple(tokens), condition, is_ambiguous, low_byte, kinds, _plain(tokens, kinds))


def _date_tokens(tokens: list[Token]) -> list[Token]:
    """In a date the signs of numbers are text, but for the digits of a second's fraction; `n` is a minute."""
    made: list[Token] = []
    for token in tokens:
        if token.kind == "digit" and made and made[-1].kind == "date" and made[-1].text.startswith("."):
            made[-1] = Token("date", made[-1].text + "0")
        elif token == Token("digit", "0") and made and made[-1] == Token("text", "."):
            made[-1] = Token("date", ".0")
        else:
            made.append(token if token.kind in ("date", "value", "general") else Token("text", token.text))
    parts = [place for place, token in enumerate(made) if token.kind == "date" and token.text[0] in "[ymdhsea"]
    parts = [place for place in parts if made[place].text not in HALVES]
    letters = [made[place].text.strip("[]") for place in parts]
    for index, place in enumerate(parts):
        before = letters[index - 1][0] if index else ""
        behind = letters[index + 1][0] if index + 1 < len(parts) else ""
        if letters[index] in ("m", "mm") and (before == "h" or behind == "s" or made[place].text.startswith("[")):
            made[place] = Token("date", made[place].text.replace("m", "n"))
    return made


def _is_ambiguous(tokens: list[Token]) -> bool:
    """Day and month as numbers, in an order that differs from country to country; with points the day comes first."""
    parts = [token.text for token in tokens if token.kind == "date" and token.text[0] in "ymd"]
    by_number = all(len(part) <= 2 for part in parts if part[0] in "md")
    has_point = any("." in token.text for token in tokens if token.kind == "text")
    return "".join(part[0] for part in parts) in ("mdy", "dmy") and by_number and not has_point


def _plain(tokens: list[Token], kinds: frozenset[Kind]) -> Plain | None:
    if "digit" not in kinds or kinds & {"exponent", "slash", "date", "value", "general"}:
        return None
    first = next(place for place, token in enumerate(tokens) if token.kind in ("digit", "point"))
    last = max(place for place, token in enumerate(tokens) if token.kind in ("digit", "point", "comma"))
    inside = tokens[first : last + 1]
    signs = "".join(token.text for token in inside)
    shape = _PLAIN.fullmatch(signs)
    if shape is None or any(token.kind in ("text", "percent") for token in inside):
        return None
    percent = sum(2 for token in tokens if token.kind == "percent")
    whole, decimals = shape["whole"], shape["decimals"] or ""
    before, behind = ("".join(token.text for token in part) for part in (tokens[:first], tokens[last + 1 :]))
    scale = percent - 3 * len(shape["scaling"])
    least_whole = len(whole.replace(",", "").lstrip("#"))
    if "," in whole and least_whole > 1:
        return None
    return Plain(before, behind, scale, "," in whole, least_whole, len(decimals.rstrip("#?")), len(decimals))


def _condition(sign: str, limit: str) -> tuple[str, Decimal] | None:
    try:
        return sign, Decimal(limit)
    except ArithmeticError:
        return None


def section_for(code: str, value: Decimal) -> tuple[Section, bool]:
    """The section by which a number is shown, and whether a minus sign is still to be put before it."""
    found = sections(code)
    numbers = found[:3]
    if 1 < len(found) < 4 and _is_for_text(found[-1]):
        numbers = found[:-1]
    if any(section.condition for section in numbers):
        for place, section in enumerate(numbers):
            if _holds(section, place, value):
                return section, value < 0 and not _is_for_negatives(section)
        return sections(GENERAL)[0], value < 0
    if len(numbers) == 1 or _is_for_text(numbers[0]):
        return numbers[0], value < 0
    if value < 0:
        return numbers[1], False
    return numbers[2 if value == 0 and len(numbers) > 2 else 0], False


def _holds(section: Section, place: int, value: Decimal) -> bool:
    if section.condition is None:
        return place > 0 or value > 0
    sign, limit = section.condition
    holds = {"<": value < limit, ">": value > limit, "=": value == limit, "<=": value <= limit, ">=": value >= limit}
    return (holds | {"<>": value != limit}).get(sign, False)


def _is_for_negatives(section: Section) -> bool:
    return section.condition is not None and section.condition[0][0] == "<" and section.condition[1] <= 0


def text_section(code: str) -> Section | None:
    """The section by which words are shown, where the code has one."""
    found = sections(code)
    if len(found) > 3:
        return found[3]
    return found[-1] if _is_for_text(found[-1]) else None


def _is_for_text(section: Section) -> bool:
    return section.has("value") and not section.has("digit", "date", "general")
