"""How much of what a person sees a reader found: words, their order, table rows, column names, headings (pure).

A reader's output is a list of parts (kind, text), kinds as in `indexer.documents.extract.document`. `header` parts name
the columns of the `row` parts that follow them at once.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.extraction.cases import Part
from benchmarks.extraction.expected import Line, joined, words

_TABLE = ("header", "row")


@dataclass(frozen=True)
class Score:
    """Shares from 0 to 1, and counts of (found, expected)."""

    found: float  # share of the expected words that were found
    clean: float  # share of the found words that were expected
    order: float  # 1 - edit distance of the two sequences of words, as a share of the longer one
    rows: tuple[int, int] = (0, 0)  # whole: the words of a row's cells, in order, and nothing else
    headed: tuple[int, int] = (0, 0)  # whole, and under their column names
    headings: tuple[int, int] = (0, 0)
    false_headings: int = 0


def score(expected: Sequence[Line], parts: Sequence[Part]) -> Score:
    """An empty output, as of a crash, scores 0 everywhere. Column names on several rows may be joined into one."""
    return max((_score(lines, parts) for lines in (expected, joined(list(expected)))), key=lambda one: one.order)


def _score(expected: Sequence[Line], parts: Sequence[Part]) -> Score:
    wanted = [pair for line in expected for pair in line.words]
    found = [word for _, text in parts for word in words(text)]
    rows = [line for line in expected if line.kind == "row" and not all(optional for _, optional in line.words)]
    units = _units(parts)
    whole = headed = 0
    for line in rows:
        headers = [header for forms in _forms(line) for header in units.get(forms, ())]
        whole += bool(headers)
        headed += bool(line.header) and any(_names(line.header, header) for header in headers)
    headings = Counter(tuple(word for word, _ in line.words) for line in expected if line.kind == "heading")
    given = Counter(tuple(words(text)) for kind, text in parts if kind == "heading")
    right = (headings & given).total()
    return Score(
        *_words_found(wanted, found),
        order=_order(wanted, found),
        rows=(whole, len(rows)),
        headed=(headed, sum(bool(line.header) for line in rows)),
        headings=(right, headings.total()),
        false_headings=given.total() - right,
    )


def _words_found(wanted: Sequence[tuple[str, bool]], found: Sequence[str]) -> tuple[float, float]:
    needed = Counter(word for word, optional in wanted if not optional)
    allowed = Counter(word for word, _ in wanted)
    got = Counter(found)
    recall = (needed & got).total() / max(needed.total(), 1)
    return recall, (allowed & got).total() / max(got.total(), 1)


def _order(wanted: Sequence[tuple[str, bool]], found: Sequence[str]) -> float:
    """1 - edit distance / length of the longer sequence. Words that may be missing cost nothing when they are.

    A row of the usual table at a time: what comes from the left costs 1 a step, so that it is a running minimum.
    """
    numbers: dict[str, int] = {}
    columns = np.array([numbers.setdefault(word, len(numbers)) for word in found], dtype=np.int64)
    steps = np.arange(len(found) + 1)
    row = steps.copy()
    for word, optional in wanted:
        above = row + (0 if optional else 1)
        above[1:] = np.minimum(above[1:], row[:-1] + (columns != numbers.get(word, -1)))
        row = np.minimum.accumulate(above - steps) + steps
    longer = max(sum(not optional for _, optional in wanted), len(found), 1)
    return 1 - min(int(row[-1]) / longer, 1)


def _units(parts: Sequence[Part]) -> dict[tuple[str, ...], list[set[str]]]:
    """The words of each part, and of each line of one that has several, with the column names in force there."""
    units: dict[tuple[str, ...], list[set[str]]] = {}
    header: set[str] = set()
    last = ""
    for kind, text in parts:
        if kind not in _TABLE or (kind == "header" and last != "header"):
            header = set()
        lines = {text, *text.split("\n")} if kind not in _TABLE else {text}
        for line in lines:
            units.setdefault(tuple(words(line)), []).append(header if kind == "row" else set())
        if kind == "header":
            header = header | set(words(text))
        last = kind
    return units


def _forms(line: Line) -> set[tuple[str, ...]]:
    """A row's words with and without the labels that are merged over its columns."""
    every = tuple(word for cell, _ in line.cells for word in cell)
    return {every, tuple(word for cell, optional in line.cells if not optional for word in cell)}


def _names(wanted: Iterable[str], header: set[str]) -> bool:
    """Whether a header holds the wanted column names, and little else."""
    needed = set(wanted)
    return needed <= header and len(header - needed) <= max(len(needed) / 2, 1)


@dataclass(frozen=True)
class Total:
    """Over files: means of what is a share of one file, shares of all rows and headings of all files."""

    files: int
    failed: int
    found: float
    clean: float
    order: float
    rows: float | None
    headed: float | None
    headings: float | None  # F1: false headings count as well

    def figures(self) -> dict[str, float | int | None]:
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in self.__dict__.items()}


def total(scores: Sequence[Score], failed: int = 0) -> Total:
    count = max(len(scores), 1)
    return Total(
        files=len(scores),
        failed=failed,
        found=sum(one.found for one in scores) / count,
        clean=sum(one.clean for one in scores) / count,
        order=sum(one.order for one in scores) / count,
        rows=_share([one.rows for one in scores]),
        headed=_share([one.headed for one in scores]),
        headings=_f1(scores),
    )


def _share(counts: Sequence[tuple[int, int]]) -> float | None:
    of = sum(count for _, count in counts)
    return sum(count for count, _ in counts) / of if of else None


def _f1(scores: Sequence[Score]) -> float | None:
    right = sum(one.headings[0] for one in scores)
    wanted = sum(one.headings[1] for one in scores)
    given = right + sum(one.false_headings for one in scores)
    return 2 * right / (wanted + given) if wanted else None
