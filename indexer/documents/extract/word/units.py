"""What a Word file is made of once it is read: lines, tables, values of charts, ends of sections."""

from dataclasses import dataclass, field

from indexer.documents.extract.document import Kind
from indexer.documents.extract.office.package import Element


@dataclass(slots=True)
class Line:
    """`number` is what Word counts by itself: "1.1.2", "(a)". It stands before the text."""

    kind: Kind
    text: str
    level: int = 0
    number: str = ""
    is_bold: bool = False  # all of it, in the text itself: not in a cell or a box
    is_guess: bool = False  # a heading by its look alone

    @property
    def shown(self) -> str:
        return f"{self.number} {self.text}" if self.number and self.text.strip() else self.text


@dataclass(slots=True)
class Cell:
    units: "list[Unit]"
    column: int
    span: int = 1
    goes_on: bool = False  # merged with the cell above
    spans_rows: bool = False  # the cells below may be merged with it
    is_strong: bool = False  # bold or shaded, as heads are


@dataclass(slots=True)
class Row:
    cells: list[Cell]
    is_head: bool = False  # marked to be repeated at the top of each page


@dataclass(slots=True)
class Table:
    rows: list[Row]
    has_head: bool = False  # its look sets the first row apart
    styled_head: bool = False  # its style draws the first row in its own way
    columns: int = 0


@dataclass(slots=True)
class Grid:
    """The values of a chart; the first row holds the names of the series."""

    rows: list[list[str]] = field(default_factory=list)


@dataclass(slots=True)
class SectionEnd:
    """`properties` say which headers and footers the section has that ends here."""

    properties: Element


Unit = Line | Table | Grid | SectionEnd
