"""The lines of a PDF page, from where PDFium says each character stands.

PDFium's own line breaks fall inside words in files of some programs, so lines are made here: characters in the order of
the file that stand on one baseline and go on to the right. Positions are in points, in the direction of the text.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import pypdfium2 as pdfium

from indexer.documents.extract.pdf.bidi import leftwards_pieces
from indexer.documents.extract.pdf.characters import (
    Box,
    Character,
    is_leftwards,
    is_wide,
    page_characters,
    turned,
)
from indexer.documents.extract.pdf.forms import Entry
from indexer.documents.extract.pdf.spots import NO_SPAN, Sheet
from indexer.documents.extract.traced import chained

CELL_GAP = 1.6  # of the font size: a wider gap in a line stands between two columns
_PIECE_GAP = 0.8  # of the font size: pieces drawn apart that stand closer make one line
_NUMBER_GAP = 0.45  # the same between two numbers in a row: thousands stand closer
_OVERLAP = 0.3  # of the font size: pieces of one line do not cover each other more than this
_MARK_REACH = 4  # of the font size: how far behind its mark an item begins
_MOST_PIECES = 4  # of a loosely set line of text: more are cells
_WORD_GAP = 0.15  # of the font size, where PDFium saw a line break inside a line
_HEAD_REACH = 4  # of the font size: a sideways column head stands that close above the first cell
_MARK_LENGTH, _MARK_SIZE = 3, 0.85  # characters of the sign of a note and of the word before it; of the font size
_FIRST_LEFTWARDS = "\u0590"  # asking takes time
_USUAL_SIZE = 10.0  # of text in a form without any text
_MOST_BESIDE = 50  # lines at the height of a field that are looked at
_LABEL_REACH = 2.5  # of the font size: how far its label stands from a box
_LONE_MARK = re.compile(r"(?P<full>[^\w\s$€£%]|\[[x ]\]|o|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})[.)])|\d{1,2}")
"""A bullet or number with nothing but space after it; a number without a dot may as well be the cell of a table."""


Cell = tuple[float, float, str]  # left, right, text


_CLAUSE = re.compile(r"\d{1,2}(?:\.\d{1,2})+\.?")


@dataclass
class Line:
    """One line of text without a wide gap, or a row of a table with its `cells`."""

    page: int
    cells: list[Cell] = field(default_factory=list)
    left: float = 0.0
    right: float = 0.0
    baseline: float = 0.0
    top: float = 0.0  # baseline of the first line, where a row has several
    height: float = 0.5  # of the baseline: 0 at the bottom of the page, 1 at its top
    size: float = 0.0  # points
    is_bold: bool = False  # all of it
    first_word: float = 0.0  # width of the first word, in points
    angle: int = 0  # degrees, to the direction of most of the page
    order: int = 0  # where in the file
    column: int = 0  # of the page, if the page has columns
    is_placed: bool = False  # stands by itself: a value of a form, a sideways column head
    is_box: bool = False  # to tick, before its label is joined to it
    is_note: bool = False  # its place is not that of its words

    @property
    def text(self) -> str:
        return chained((text for _, _, text in self.cells), " ")


def page_lines(
    textpage: pdfium.PdfTextPage, sheet: Sheet, seen: Box, box: Box, entries: Sequence[Entry] = (), upright: int = 0
) -> list[Line]:
    """Lines cut at wide gaps, in the order of the file, those of the page's main direction first; `entries` at their
    place, notes at the end.

    Outside of `seen` nothing is read; `box` is the page's size, `upright` the direction in which it is shown.
    """
    found: list[Line] = []
    main = 0
    for direction, characters in page_characters(textpage, seen, box, upright):
        main = main if found else direction
        lines = _of_one_direction(characters, sheet, direction)
        for line in lines:
            line.angle = (direction - main) % 360
            line.height = _height(line.baseline, box, direction)
        found += lines if line.angle == 0 else column_heads(found, lines)
    places = Places([line for line in found if line.angle == 0])
    for entry in entries:
        if seen[0] <= (entry.box[0] + entry.box[2]) / 2 <= seen[2] and seen[1] <= entry.box[3] <= seen[3]:
            found += places.lines(entry, sheet, main)
    letters = "".join(line.text for line in found if line.angle == 0)
    leftwards = 2 * sum(map(is_leftwards, letters)) > sum(map(str.isalpha, letters))
    for order, line in enumerate(found):
        line.order = order
        if leftwards and line.angle == 0:
            _mirrored(line)
    return found


def _height(baseline: float, box: Box, direction: int) -> float:
    low, high = sorted(turned(*corner, direction)[1] for corner in (box[:2], box[2:]))
    return (baseline - low) / max(high - low, 1.0)


class Places:
    """Puts what stands in fields on the baselines of the text beside them."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = sorted(lines, key=lambda line: line.baseline)
        self._baselines = [line.baseline for line in self._lines]
        self._size = sorted(line.size for line in lines)[len(lines) // 2] if lines else _USUAL_SIZE

    def lines(self, entry: Entry, sheet: Sheet, direction: int) -> list[Line]:
        (left, right), (bottom, top) = (
            sorted(ends)
            for ends in zip(*(turned(*corner, direction) for corner in (entry.box[:2], entry.box[2:])), strict=True)
        )
        page = sheet.page
        texts: list[str] = [sheet.whole(text, entry.box) for text in entry.text.splitlines() if text.strip()]
        if entry.is_note:
            cells = [(left, right, chained(texts, "\n"))]
            return [Line(page, cells, left, right, size=self._size, is_placed=True, is_note=True)]
        if min(right - left, top - bottom) < 1:
            return []
        size, baseline = self._beside(left, right, bottom, top) if len(texts) == 1 else (self._size, top - self._size)
        step = min(1.2 * size, (top - bottom) / len(texts))
        return [
            Line(page, [(left, right, text)], left, right, y, y, size=size, is_placed=True, is_box=entry.is_tick_box)
            for text, y in ((text, baseline - step * number) for number, text in enumerate(texts))
        ]

    def _beside(self, left: float, right: float, bottom: float, top: float) -> tuple[float, float]:
        """Size and baseline of the next text at the height of a field; else those that would be in its middle."""
        first = bisect_left(self._baselines, bottom - 0.3 * self._size)
        end = bisect_left(self._baselines, top - 0.3 * self._size, hi=min(first + _MOST_BESIDE, len(self._lines)))
        apart = [(max(line.left - right, left - line.right, 0.0), line) for line in self._lines[first:end]]
        if not apart:
            return self._size, (bottom + top) / 2 - 0.35 * self._size
        line = min(apart, key=lambda one: one[0])[1]
        return line.size, line.baseline


def _of_one_direction(characters: Sequence[Character], sheet: Sheet, direction: int) -> list[Line]:
    lines: list[Line] = []
    run: list[Character] = []
    leftwards = False
    mostly = cache(
        lambda: (
            sum(is_leftwards(one.text) - (not is_leftwards(one.text) and one.text.isalpha()) for one in characters) > 0
        )
    )
    for character in characters:
        new_leftwards = character.text >= _FIRST_LEFTWARDS and is_leftwards(character.text)
        if run and not _goes_on(run[-1], character, leftwards or new_leftwards):
            lines += _lines(run, sheet, direction, mostly if leftwards else None)
            run, leftwards = [], False
        run.append(character)
        leftwards = leftwards or new_leftwards
    return lines + _lines(run, sheet, direction, mostly if leftwards else None)


def _mirrored(line: Line) -> None:
    """On a page that is read from right to left lines begin at their right edges."""
    line.left, line.right = -line.right, -line.left
    line.cells = [(-right, -left, text) for left, right, text in line.cells]


def column_heads(upright: Sequence[Line], lines: list[Line]) -> list[Line]:
    """Lines that run up or down, as they are; where they stand over the columns of a table, as upright cells there."""
    if len(lines) < 2 or lines[0].angle not in (90, 270):
        return lines
    beneath = sorted((line.baseline, line.left, line.right) for line in upright)
    heads = [_stood_up(line) for line in lines]
    level: dict[int, list[int]] = {}
    for index, head in enumerate(heads):
        if _stands_over_a_cell(head, beneath):
            level.setdefault(round(head.baseline / head.size), []).append(index)
    turned_up = {index for indices in level.values() if len(indices) > 1 for index in indices}
    return [heads[index] if index in turned_up else line for index, line in enumerate(lines)]


def _stood_up(line: Line) -> Line:
    """The line as a cell that is as wide as its letters are high, its foot the baseline."""
    if line.angle == 90:
        foot, left = line.left, -line.baseline - 0.75 * line.size
    else:
        foot, left = -line.right, line.baseline - 0.25 * line.size
    right = left + line.size
    cells = [(left, right, line.text)]
    return replace(line, cells=cells, left=left, right=right, baseline=foot, top=foot, angle=0, is_placed=True)


def _stands_over_a_cell(head: Line, beneath: Sequence[tuple[float, float, float]]) -> bool:
    at = bisect_left(beneath, (head.baseline - _HEAD_REACH * head.size,))
    end = bisect_left(beneath, (head.baseline - 0.5 * head.size,))
    reach = head.size
    return any(left < head.right + reach and right > head.left - reach for _, left, right in beneath[at:end])


def _goes_on(last: Character, new: Character, leftwards: bool) -> bool:
    """Whether `new` continues the line of `last`; raised and lowered characters do when they follow closely.

    Of a line with words from right to left PDFium gives the characters as they are read, which is to and fro.
    """
    size = last.size if last.size > new.size else new.size  # asked of every character: `max` takes longer
    drop = abs(last.baseline - new.baseline)
    gap = new.left - last.right
    if drop < 0.2 * size and leftwards:
        return True
    if drop < 0.2 * size:  # the letters of a ligature stand in one place
        return gap > -0.6 * size or abs(new.left - last.left) < 0.1
    return drop < 0.55 * size and -0.5 * size < gap < 0.8 * size and min(last.size, new.size) < 0.85 * size


def _lines(run: list[Character], sheet: Sheet, direction: int, leftwards: Callable[[], bool] | None) -> list[Line]:
    """The stretches of a line between wide gaps. `leftwards`, where some of it runs so: whether the page does."""
    if not run:
        return []
    size = max(character.size for character in run)
    if leftwards:
        read = leftwards_pieces(run, _PIECE_GAP * size, _WORD_GAP * size, leftwards)
        return [_line(piece, sheet, direction) for piece in read]
    pieces: list[list[Character]] = []
    for character in run:
        gap = character.left - pieces[-1][-1].right if pieces else 0.0
        digits = bool(pieces) and pieces[-1][-1].text.isdigit() and character.text.isdigit()
        if not pieces or (
            gap > (_NUMBER_GAP if digits else _PIECE_GAP) * size and (character.after_space or character.after_break)
        ):
            pieces.append([])
        pieces[-1].append(character)
    return [_line(piece, sheet, direction) for piece in pieces]


def joined(row: Sequence[Line], sides: Sequence[int]) -> list[Line]:
    """What stands on one baseline, from left to right: pieces of a line put together again, wherever the file drew
    them, marks with their items, and what was drawn twice taken once.

    Pieces on one side of all gutters, by `sides`, may be farther apart.
    """
    found: list[Line] = []
    before = None
    for line, following, side in zip(row, [*row[1:], None], sides, strict=True):
        last = found[-1] if found else None
        numbers = len(row) > 2 and last is not None and _is_number(last.text) and _is_number(line.text)
        most = CELL_GAP if side == before and len(row) <= _MOST_PIECES else _PIECE_GAP
        most = _NUMBER_GAP if numbers else most
        before = side
        if last and (last.is_box or line.is_box) and _is_label(found, line, following):
            found[-1] = replace(_pair(last, line, " "), is_placed=False, is_box=False)
            continue
        if last and last.text == line.text and abs(last.left - line.left) < 0.2 * line.size:
            continue
        if last and (between := _between(last, line, most, len(row) == 2, len(found) == 1)) is not None:
            found[-1] = _pair(last, line, between)
        else:
            found.append(line)
    return found


def _is_number(text: str) -> bool:
    return text[-1:].isdigit() or (text[-1:] in "%)" and text[:1] in "(-+0123456789")


def _is_label(found: Sequence[Line], line: Line, following: Line | None) -> bool:
    """Whether a box and the text next to it belong together: a box has its label behind it, or where the text before it
    is closer, there."""
    last, reach = found[-1], _LABEL_REACH * line.size
    gap = line.left - last.right
    if gap > reach or last.is_box == line.is_box:
        return False
    behind = following.left - line.right if following and not following.is_box else reach + 1
    return last.is_box or gap < min(behind, reach)


def _between(last: Line, line: Line, most: float, is_pair: bool, is_first: bool) -> str | None:
    """What is written between two pieces of a line; None where they are cells of their own."""
    if last.is_placed or line.is_placed:
        return None
    gap = (line.left - last.right) / max(last.size, line.size)
    mark = _LONE_MARK.fullmatch(last.text)
    if mark and is_first and gap < _MARK_REACH and (mark["full"] or is_pair):
        return " " if mark["full"] else ". "
    if _CLAUSE.fullmatch(last.text) and is_first and is_pair and gap < _MARK_REACH and line.text[0].isalpha():
        return " "
    if not -_OVERLAP < gap < most:
        return None
    return " " if gap > _WORD_GAP else ""


def _pair(first: Line, second: Line, between: str) -> Line:
    main = max(first, second, key=lambda line: len(line.text))
    return replace(
        main,
        cells=[(first.left, second.right, chained((first.text, between, second.text)))],
        left=first.left,
        right=max(first.right, second.right),
        is_bold=first.is_bold and second.is_bold,
        first_word=first.first_word,
    )


def _line(piece: list[Character], sheet: Sheet, direction: int) -> Line:
    main = max(piece, key=lambda character: character.size)
    text: list[str] = []
    spans: list[tuple[float, float]] = []
    first_word, left = 0.0, min(character.left for character in piece)
    for index, character in enumerate(piece):
        broken = character.after_break and index and _gap(piece[index - 1], character) > _WORD_GAP * main.size
        may_be_mark = index < _MARK_LENGTH or character.size < _MARK_SIZE * main.size  # asking takes time
        if index and (character.after_space or broken or (may_be_mark and _is_note_mark(piece, index, main))):
            text.append(" ")
            spans.append(_between_two(spans[-1], character))
            first_word = first_word or _width(piece[:index])
        text.append(character.text)
        spans.append((character.left, character.right))
    return Line(
        page=sheet.page,
        cells=[(left, left + _width(piece), _traced(text, spans, piece, main, sheet, direction))],
        left=left,
        right=left + _width(piece),
        baseline=main.baseline,
        top=main.baseline,
        size=round(main.size * 2) / 2,
        is_bold=all(character.is_bold for character in piece if character.text.isalnum()),
        first_word=2 * main.size if is_wide(piece[0].text) else first_word or _width(piece),
    )


def _between_two(last: tuple[float, float], new: Character) -> tuple[float, float]:
    """Where the space between two characters stands, whichever stands on the left; a Latin word in a line of Hebrew
    begins far from what is read before it."""
    if new.left >= last[0]:
        return last[1], max(new.left, last[1])
    return (new.right, max(last[0], new.right)) if last[0] - new.right < new.size else NO_SPAN


def _gap(last: Character, new: Character) -> float:
    """Between two characters, whichever stands on the left."""
    return max(new.left - last.right, last.left - new.right)


def _width(piece: Sequence[Character]) -> float:
    return max(character.right for character in piece) - min(character.left for character in piece)


def _is_note_mark(piece: Sequence[Character], index: int, main: Character) -> bool:
    """A small raised sign behind a word is no part of it, nor of what stands behind it at the beginning of a line;
    behind a unit or in a formula it is."""
    before = piece[max(index - _MARK_LENGTH, 0) : index]
    if _is_raised(piece[index], main):
        is_word = len(before) == _MARK_LENGTH and all(one.text.isalpha() for one in before)
        return piece[index].text.isalnum() and is_word and not _is_raised(before[-1], main)
    return index < _MARK_LENGTH and piece[index].text.isalpha() and all(_is_raised(one, main) for one in before)


def _is_raised(character: Character, main: Character) -> bool:
    return character.baseline - main.baseline > 0.2 * main.size and character.size < _MARK_SIZE * main.size


def _traced(
    texts: list[str],
    spans: list[tuple[float, float]],
    piece: Sequence[Character],
    main: Character,
    sheet: Sheet,
    direction: int,
) -> str:
    """The text of a piece, which knows where it stands. A sign may be read as several characters ("[x]"), and two may
    make one: halves of a surrogate pair come by themselves."""
    text = "".join(texts)
    if direction % 90:
        characters = iter(piece)
        boxes = [None if one == " " else next(characters).box for one in texts]
    else:
        boxes = [None] * len(texts)
    if len(text) != len(texts) or not text.isprintable():
        counts = [0 if "\udc00" <= one <= "\udfff" else len(one) for one in texts]
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        if sum(counts) != len(text):  # a half without the other
            return text
        spans = [span for span, count in zip(spans, counts, strict=True) for _ in range(count)]
        boxes = [box for box, count in zip(boxes, counts, strict=True) for _ in range(count)]
    if direction % 90:
        return sheet.slanted(text, boxes)
    return sheet.line(text, spans, main, direction)
