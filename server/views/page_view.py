"""Pages of a PDF with the quoted words marked on them (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from indexer.documents.extract.boxes import Area

WIDTHS = (640, 960, 1440, 2160)
"""Pixels of the pictures that there are: few, so that they can be kept. A browser takes the one that its panel and its
screen need."""
SMALLEST = WIDTHS[0]
MOST_SHEETS = 3  # pages that a quotation is shown on
MOST_MARKS = 500  # boxes on one page


@dataclass(frozen=True)
class Mark:
    """A box in the units of the page, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    anchor: bool  # the first of all


@dataclass(frozen=True)
class Sheet:
    """One page: its number from 1, its size, what is marked on it, and the addresses of its picture."""

    number: int
    width: float
    height: float
    marks: tuple[Mark, ...]
    address: str
    addresses: str  # with the width of each

    @property
    def words(self) -> str:
        """What the picture shows, for who does not see it."""
        marked = "; the quoted words are marked" if self.marks else ""
        return f"Page {self.number} as it looks{marked}. Its words can be read in the text view."


def fitting(width: int) -> int:
    """The width of the pictures that is no smaller than a width, where there is one."""
    return next((one for one in WIDTHS if one >= width), WIDTHS[-1])


def sheet(
    document_id: int, number: int, size: tuple[float, float], areas: Iterable[Area], anchor: Area | None
) -> Sheet:
    """`areas` may be of other pages too; `anchor` is the one that is scrolled to."""
    path = f"/documents/{document_id}/pages/{number}?width="
    marks = [
        Mark(round(x0, 2), round(y0, 2), round(x1 - x0, 2), round(y1 - y0, 2), (page, x0, y0, x1, y1) == anchor)
        for page, x0, y0, x1, y1 in areas
        if page == number
    ]
    width, height = (round(side, 2) for side in size)
    every = ", ".join(f"{path}{one} {one}w" for one in WIDTHS)
    return Sheet(number, width, height, tuple(marks[:MOST_MARKS]), f"{path}{SMALLEST}", every)


def pages_of(areas: Sequence[Area]) -> list[int]:
    """The pages that boxes are on, in their order."""
    return list(dict.fromkeys(page for page, *_ in areas))[:MOST_SHEETS]
