"""Excel files with cells where none can be, text named a million times, and deep or endless parts."""

from collections.abc import Callable

from tests.indexer.documents.extract.shapes import book_of
from tests.indexer.documents.extract.sheets.workbooks import book
from tests.indexer.hostile.cases import failed, indexed, skipped
from tests.indexer.hostile.package_cases import packed

HELD = "Annual leave is thirty days."
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def cell(place: str, text: str = HELD, about: str = "") -> str:
    return f'<c r="{place}" t="inlineStr"{about}><is><t>{text}</t></is></c>'


def rows(*cells: str, about: str = 'r="1"') -> str:
    return f"<row {about}>{''.join(cells)}</row>"


def sheet(*cells: str, behind: str = "") -> Callable[[], bytes]:
    return lambda: book_of(rows(*cells), behind)


def named_strings(text: str, times: int) -> bytes:
    """A workbook whose cells name one shared string over and over."""
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, times + 1))
    relations = (
        f'<Relationships><Relationship Id="s" Type="{_RELATION}/worksheet" Target="sheet.xml"/>'
        f'<Relationship Id="t" Type="{_RELATION}/sharedStrings" Target="strings.xml"/></Relationships>'
    )
    return packed(
        book_of(cells),
        ("xl/strings.xml", f"<sst><si><t>{text}</t></si></sst>".encode()),
        change=lambda name, old: relations.encode() if name.endswith(".rels") else old,
    )


def styled(styles: str) -> bytes:
    relations = (
        f'<Relationships><Relationship Id="s" Type="{_RELATION}/worksheet" Target="sheet.xml"/>'
        f'<Relationship Id="t" Type="{_RELATION}/styles" Target="styles.xml"/></Relationships>'
    )
    cells = rows(cell("A1"), '<c r="B1" s="0"><v>45000.5</v></c><c r="C1" s="99999999999"><v>7</v></c>')
    return packed(
        book_of(cells),
        ("xl/styles.xml", styles.encode()),
        change=lambda name, old: relations.encode() if name.endswith(".rels") else old,
    )


def sheets_in_a_circle() -> bytes:
    """The sheet's part is the workbook, and the workbook lists a hundred sheets of one part."""
    return packed(
        book_of(rows(cell("A1"))),
        change=lambda name, old: (
            old.replace(b"</sheets>", b'<sheet name="b" r:id="s"/>' * 100 + b"</sheets>")
            if "workbook.xml" in name
            else old
        ),
    )


def drawing_of_many(count: int) -> bytes:
    """Sheets that all name one drawing and one part of notes, each of 100 kB, several times."""
    numbers = range(count)
    listed = "".join(f'<sheet name="s{n}" r:id="s{n}"/>' for n in numbers)
    related = "".join(f'<Relationship Id="s{n}" Type="{_RELATION}/worksheet" Target="s{n}.xml"/>' for n in numbers)
    beside = "".join(
        f'<Relationship Id="d{n}" Type="{_RELATION}/{kind}" Target="{kind}.xml"/>'
        for kind in ("drawing", "comments")
        for n in range(5)
    )
    shape = f"<oneCellAnchor><sp><txBody><p><r><t>{'word ' * 20_000}</t></r></p></txBody></sp></oneCellAnchor>"
    note = f'<commentList><comment ref="A1"><text><t>{"word " * 20_000}</t></text></comment></commentList>'
    made = f"<worksheet><sheetData>{rows(cell('A1'))}</sheetData></worksheet>".encode()
    return packed(
        book_of(""),
        ("xl/drawing.xml", f"<wsDr>{shape}</wsDr>".encode()),
        ("xl/comments.xml", f"<comments>{note}</comments>".encode()),
        *((f"xl/s{n}.xml", made) for n in numbers),
        *((f"xl/_rels/s{n}.xml.rels", f"<Relationships>{beside}</Relationships>".encode()) for n in numbers),
        change=lambda name, old: {
            "xl/workbook.xml": f'<workbook xmlns:r="{_RELATION}"><sheets>{listed}</sheets></workbook>'.encode(),
            "xl/_rels/workbook.xml.rels": f"<Relationships>{related}</Relationships>".encode(),
        }.get(name, old),
    )


def drawing_of_itself() -> bytes:
    """A sheet whose drawing is the sheet."""
    relation = f'<Relationships><Relationship Id="d" Type="{_RELATION}/drawing" Target="sheet.xml"/></Relationships>'
    return packed(
        book_of(rows(cell("A1")), '<drawing r:id="d"/>'.replace("r:", "")),
        ("xl/_rels/sheet.xml.rels", relation.encode()),
    )


_FORMAT = (
    '<styleSheet><numFmts><numFmt numFmtId="200" formatCode="{}"/></numFmts>'
    '<cellXfs><xf numFmtId="200"/></cellXfs></styleSheet>'
)
_VALUES = "".join(
    f'<c r="{column}1"><v>{value}</v></c>'
    for column, value in zip(
        "BCDEFGHI", ("nan", "inf", "-1e400", "9" * 5000, "1e-400", "", "0x1", "1_000"), strict=True
    )
)

SHEET = (
    indexed(
        "cells where none can be.xlsx",
        "references out of range",
        sheet(cell("A1"), cell("ZZZZ99999999"), cell("A0"), cell("-1"), cell(""), cell("XFE1"), cell("A1048577")),
        HELD,
        ".*",
    ),
    indexed("a cell of 1 MB.xlsx", "one cell of a megabyte", sheet(cell("A1"), cell("B1", "word " * 200_000)), HELD),
    indexed("a word of 300,000 letters.xlsx", "one word in a cell", sheet(cell("A1"), cell("B1", "w" * 300_000)), HELD),
    indexed(
        "16,384 columns.xlsx",
        "a row as wide as Excel goes",
        lambda: book_of(rows(*(cell("", "a") for _ in range(16_384))) + rows(cell("A2"), about='r="2"')),
        HELD,
    ),
    indexed(
        "200,000 columns.xlsx",
        "a row wider than Excel goes",
        lambda: book_of(rows(cell("A1")) + rows(*["<c><v>1</v></c>"] * 200_000, about='r="2"')),
        HELD,
        ".*",
    ),
    failed(
        "one string 200,000 times.xlsx",
        "a shared string of 2 kB in 200,000 cells",
        lambda: named_strings("word " * 400, 200_000),
        r"Its cells show more than 67,108,864 characters.*",
    ),
    indexed(
        "strings that are not there.xlsx",
        "shared strings that no part holds",
        lambda: book_of(rows(cell("A1"), *(f'<c r="B1" t="s"><v>{n}</v></c>' for n in ("0", "-1", "9" * 30, "x")))),
        HELD,
        ".*",
    ),
    indexed("numbers that are none.xlsx", "values of NaN, infinity and 5,000 digits", sheet(cell("A1"), _VALUES), HELD),
    indexed(
        "a format without end.xlsx",
        "a number format of a megabyte",
        lambda: styled(_FORMAT.format("[&lt;1]0;" * 100_000)),
        HELD,
    ),
    indexed(
        "a format of commas.xlsx",
        "a number format that scales by 10^3000",
        lambda: styled(_FORMAT.format("0" + "," * 1000 + "." + "0" * 900)),
        HELD,
    ),
    indexed(
        "a format of dates.xlsx",
        "a date format of a hundred parts",
        lambda: styled(_FORMAT.format("yyyy-mm-dd hh:mm:ss.000 AM/PM" * 30)),
        HELD,
    ),
    indexed(
        "styles that are not there.xlsx", "cells of styles that no part holds", lambda: styled("<styleSheet/>"), HELD
    ),
    indexed(
        "merged over everything.xlsx",
        "one cell merged over the whole sheet, ten thousand times",
        sheet(cell("A1"), behind="<mergeCells>" + '<mergeCell ref="A1:XFD1048576"/>' * 10_000 + "</mergeCells>"),
        HELD,
    ),
    indexed("a hundred sheets of one part.xlsx", "a part that is a hundred sheets", sheets_in_a_circle, HELD),
    indexed(
        "a drawing of 100 sheets.xlsx",
        "a hundred sheets that share a drawing and notes",
        lambda: drawing_of_many(100),
        HELD,
        ".*",
    ),
    indexed("a sheet that is its drawing.xlsx", "a sheet that draws itself", drawing_of_itself, HELD, ".*"),
    indexed(
        "300,000 empty rows.xlsx",
        "rows that hold nothing",
        lambda: book_of("<row/>" * 300_000 + rows(cell("A400000"), about='r="400000"')),
        HELD,
    ),
    failed(
        "100,000 elements deep.xlsx",
        "an element in an element, 100,000 deep",
        lambda: book_of(rows("<c>" * 100_000 + "</c>" * 100_000)),
        r"The file is damaged.*",
    ),
    indexed(
        "formulas of formulas.xlsx",
        "formulas without values that name each other",
        lambda: book([["Name", "Sum"], [HELD, "=B3"], ["b", "=B2"]]),
        HELD,
        r".*formula.*",
    ),
    skipped(
        "an empty book.xlsx",
        "a workbook without a cell",
        lambda: book([]),
        r"The file holds no text that a reader would see\.",
    ),
    indexed(
        "a sheet of an odd name.xlsx",
        "a sheet named by control characters",
        lambda: packed(
            book_of(rows(cell("A1"))),
            change=lambda _n, old: old.replace(b'name="a"', b'name="&#x202E;&#x9;&#xE000;a"'),
        ),
        HELD,
    ),
    indexed(
        "escapes in escapes.xlsx",
        "_x005F_ in front of itself",
        sheet(cell("A1"), cell("B1", "_x005F" * 10_000 + "_x0000__xD800__xFFFE_")),
        HELD,
    ),
)
