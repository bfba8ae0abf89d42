"""Headings of files that were written without styles: bold lines that stand alone above text (pure)."""

import re
from collections.abc import Sequence
from dataclasses import replace

from indexer.documents.extract.word.units import Line, Unit

LEVEL = 2
"""A document's title is nothing to guess at, and nothing tells which of such lines stands above which."""
LONGEST, MOST_TOGETHER, FEWEST, MOST_SHARE = 100, 2, 2, 0.45
"""Characters of one; bold lines that follow each other, as an address does; how many such lines a file must have, and
the share of its lines beyond which bold is how it writes."""
_NUMBERED = re.compile(r"(§|art\.?|[\dIVX]+[.)]|[a-z]\))\s?", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{2}")


def with_headings(units: Sequence[Unit]) -> list[Unit]:
    """Where no line of a file is a heading by its style, those that look like one."""
    lines = [unit for unit in units if isinstance(unit, Line) and unit.text.strip()]
    if any(line.kind == "heading" for line in lines):
        return list(units)
    found = _alone([unit for unit in units if not isinstance(unit, Line) or unit.text.strip()])
    if not FEWEST <= len(found) <= MOST_SHARE * len(lines):
        return list(units)
    chosen = {id(line) for line in found}
    return [_heading(unit) if isinstance(unit, Line) and id(unit) in chosen else unit for unit in units]


def _heading(line: Line) -> Line:
    return replace(line, kind="heading", level=LEVEL, is_guess=True)


def _alone(units: Sequence[Unit]) -> list[Line]:
    """Lines that look like headings, with something below them that does not."""
    found: list[Line] = []
    together: list[Line] = []
    for unit in units:
        if isinstance(unit, Line) and unit.is_bold:
            together.append(unit)
            continue
        if len(together) <= MOST_TOGETHER and all(map(_looks_like_heading, together)):
            found += together
        together = []
    return found


def _looks_like_heading(line: Line) -> bool:
    text = line.text.strip()
    is_bullet = line.kind == "item" and not line.number
    if line.kind not in ("paragraph", "item") or is_bullet or len(text) > LONGEST or not _WORD.search(text):
        return False
    if line.number or _NUMBERED.match(text):
        return True
    return text[-1] not in ".;,!" and "=" not in text and not next(filter(str.isalpha, text)).islower()
