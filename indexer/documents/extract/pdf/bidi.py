"""The order in which a line is read that runs from right to left with words and numbers that do not (pure).

Where letters stand is certain, the order in which a program drew them is not, so a line is put in order from its
places: the rules of Unicode Annex 9 (https://www.unicode.org/reports/tr9/) backwards, as far as a line of print needs
them. What they leave open (a number beside a Latin word) is read from left to right, like the word.
"""

import math
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cache
from itertools import groupby, pairwise

from indexer.documents.extract.pdf.characters import Character, is_leftwards

_LEFTWARDS = ("R", "AL")
_NUMBERS, _SEPARATORS, _SIGNS = ("EN", "AN"), ("CS", "ES"), "ET"


@cache
def _kind(text: str) -> str:
    return unicodedata.bidirectional(text[0])


def leftwards_pieces(
    run: Sequence[Character], cell_gap: float, word_gap: float, is_leftwards_page: Callable[[], bool]
) -> list[list[Character]]:
    """The stretches of a line between wide gaps, from right to left, their characters as they are read.

    PDFium's order is that of a stretch of Hebrew or Arabic alone, and so are its spaces; in another, spaces stand where
    gaps are.
    """
    pieces: list[list[Character]] = []
    edge = -math.inf
    for character in sorted(run, key=lambda one: one.left):
        if not pieces or character.left - edge > cell_gap:
            pieces.append([])
        pieces[-1].append(character)
        edge = max(edge, character.right)
    places = {id(one): place for place, one in enumerate(run)}
    read = []
    for piece in reversed(pieces):
        letters = [is_leftwards(one.text) for one in piece if one.text.isalnum()]
        if not any(letters):
            read.append(piece)
        elif all(letters):
            read.append(sorted(piece, key=lambda one: places[id(one)]))
        else:
            ends = [is_leftwards(one.text) for one in piece if one.text.isalpha()]
            leftwards = ends[0] if ends[0] == ends[-1] else is_leftwards_page()
            read.append(reading_order(piece, word_gap, leftwards))
    return read


def reading_order(piece: Sequence[Character], word_gap: float, leftwards: bool) -> list[Character]:
    """The characters of a stretch that is read `leftwards` or not, given from left to right; which of them follow a
    space is written into them. Marks follow the letter that they stand on."""
    bases = [one for one in piece if _kind(one.text) != "NSM"]
    for last, new in pairwise(bases):
        new.after_space, new.after_break = new.left - last.right > word_gap, False
    ordered = _leftwards(bases) if leftwards else _rightwards(bases)
    lefts = [base.left for base in bases]
    marks: dict[int, list[Character]] = {}
    for mark in (one for one in piece if _kind(one.text) == "NSM") if bases else ():
        base = bases[max(bisect_right(lefts, (mark.left + mark.right) / 2) - 1, 0)]
        mark.after_space = mark.after_break = False
        marks.setdefault(id(base), []).append(mark)
    return [one for base in ordered for one in (base, *marks.get(id(base), ()))]


def _rightwards(bases: Sequence[Character]) -> list[Character]:
    """Words from right to left among others: from one of their letters to another, with no Latin one between."""
    kinds = [_kind(one.text) for one in bases]
    ordered: list[Character] = []
    at = 0
    while at < len(bases):
        end = at + 1
        if kinds[at] in _LEFTWARDS:
            last = next((place for place in range(at, len(bases)) if kinds[place] == "L"), len(bases))
            end = 1 + max(place for place in range(at, last) if kinds[place] in _LEFTWARDS)
            is_spaced = bases[at].after_space
            ordered += _leftwards(bases[at:end])
            ordered[-(end - at)].after_space = is_spaced
        else:
            ordered.append(bases[at])
        at = end
    return ordered


def _leftwards(bases: Sequence[Character]) -> list[Character]:
    spaced = [one.after_space for one in bases[1:]] + [False]  # behind each, on its right
    runs_right = _run_right([_kind(one.text) for one in bases])
    ordered: list[Character] = []
    for is_right, group in groupby(reversed(range(len(bases))), key=lambda place: runs_right[place]):
        run = list(group)
        for place in run:
            inside = place != (run[-1] if is_right else run[0])
            before = place - 1 if is_right and inside else run[0] if not inside else place
            bases[place].after_space = spaced[before]
        ordered += (bases[place] for place in (run[::-1] if is_right else run))
    return ordered


def _run_right(kinds: Sequence[str]) -> list[bool]:
    """Which characters, given from left to right, belong to words and numbers that run to the right."""
    right = [kind == "L" or kind in _NUMBERS for kind in kinds]
    is_number = [kind in _NUMBERS for kind in kinds]
    for at in range(1, len(kinds) - 1):
        if kinds[at] in _SEPARATORS and is_number[at - 1] and is_number[at + 1]:
            right[at] = True
    for places in (range(len(kinds)), range(len(kinds) - 1, -1, -1)):
        touches = False  # a number, or signs that touch one
        for at in places:
            touches = is_number[at] or (touches and kinds[at] == _SIGNS)
            right[at] = right[at] or touches
    strong = [at for at, runs in enumerate(right) if runs]
    for before, after in pairwise(strong):
        between = kinds[before + 1 : after]
        if "L" in (kinds[before], kinds[after]) and not any(kind in _LEFTWARDS for kind in between):
            right[before + 1 : after] = [True] * len(between)
    return right
