"""Hostile shapes: files of any size in which something repeats without end, so that a reader might go back and back."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import pptx


@dataclass(frozen=True)
class Shape:
    """`make(size)` gives a file of about `size` bytes, before packing where the format is packed."""

    name: str
    make: Callable[[int], bytes]


def _again(name: str, unit: str, before: str = "", after: str = "") -> Shape:
    step = len(unit.encode())
    return Shape(name, lambda size: (before + unit * (size // step) + after).encode())


def _drawn(stretches: list[tuple[float, float, str]], width: float = 600, height: float = 800) -> bytes:
    """A PDF of one page with strings at positions, 10 points high."""
    text = "".join(f"BT /F 10 Tf {x:.2f} {y:.2f} Td ({words}) Tj ET\n" for x, y, words in stretches).encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>"
        % (width, height),
        b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(out)
    return out + b"xref\n0 6\n0000000000 65535 f \n" + table + end


def _lines(words: str, step: float = 0.0) -> Callable[[int], bytes]:
    """Lines below each other, each `step` points further to the right."""

    def make(size: int) -> bytes:
        count = size // (len(words) + 34)
        stretches = [(50 + step * n, 12.0 * (count - n), words) for n in range(count)]
        return _drawn(stretches, 600 + step * count, 12 * count + 100)

    return make


def _columns(rows: int, forwards: bool = True) -> Callable[[int], bytes]:
    def make(size: int) -> bytes:
        count = size // (36 * rows)
        order = range(count) if forwards else range(count - 1, -1, -1)
        stretches = [(50 + 40.0 * n, 700 - 12.0 * row, "ab") for row in range(rows) for n in order]
        return _drawn(stretches, 40 * count + 100)

    return make


_WORD_NAMES = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def _word(body: str) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.'
            'openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml"'
            ' ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r" Type="{_OFFICE}/officeDocument"'
            ' Target="word/document.xml"/></Relationships>',
        )
        archive.writestr("word/document.xml", f"<w:document {_WORD_NAMES}><w:body>{body}</w:body></w:document>")
    return stream.getvalue()


_RUN = "<w:r><w:t>a</w:t></w:r>"
_CELL = f"<w:tc><w:p>{_RUN}</w:p></w:tc>"


def _word_again(unit: str, before: str = "", after: str = "") -> Callable[[int], bytes]:
    return lambda size: _word(before + unit * (size // len(unit)) + after)


def _slide_rows(size: int) -> bytes:
    deck = pptx.Presentation()
    table = deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_table(size // 400, 2, 0, 0, 9, 9).table
    for row in table._tbl.tr_lst:
        row.tc_lst[0].get_or_add_txBody().p_lst[0].add_r("a")
    stream = BytesIO()
    deck.save(stream)
    return stream.getvalue()


def book_of(rows: str, behind: str = "") -> bytes:
    """A workbook of one sheet, as XML."""
    names = f'xmlns:r="{_OFFICE}"'
    relation = f'<Relationship Id="s" Type="{_OFFICE}/worksheet" Target="sheet.xml"/>'
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", f'<workbook {names}><sheets><sheet name="a" r:id="s"/></sheets></workbook>')
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{relation}</Relationships>")
        archive.writestr("xl/sheet.xml", f"<worksheet><sheetData>{rows}</sheetData>{behind}</worksheet>")
    return stream.getvalue()


def _book_again(row: Callable[[int], str], behind: Callable[[int], str] = lambda _n: "") -> Callable[[int], bytes]:
    """A row, and something behind the rows, for each hundred bytes."""

    def make(size: int) -> bytes:
        numbers = range(1, size // 100 + 1)
        merged = "".join(map(behind, numbers))
        return book_of("".join(map(row, numbers)), f"<mergeCells>{merged}</mergeCells>" if merged else "")

    return make


def _cell(column: int, row: int, text: str = "a") -> str:
    letters = ""
    while column >= 0:
        column, letter = divmod(column, 26)
        letters, column = chr(65 + letter) + letters, column - 1
    return f'<c r="{letters}{row}" t="inlineStr"><is><t>{text}</t></is></c>'


def _cells_row(row: int, *cells: str) -> str:
    return f'<row r="{row}">{"".join(cells)}</row>'


_SLIDE_SHAPE = "<p:sp><p:txBody><a:p><a:r><a:t>a</a:t></a:r></a:p></p:txBody></p:sp>"


def _slide_again(unit: str, before: str = "", after: str = "", most: int = 1 << 30) -> Callable[[int], bytes]:
    """One slide with a unit over and over; `after` as often, where there is a most."""

    def make(size: int) -> bytes:
        count = min(size // len(unit), most)
        return slide_of(before + unit * count + after * (count if most < 1 << 30 else 1))

    return make


@cache
def _empty_deck() -> bytes:
    deck = pptx.Presentation()
    deck.slides.add_slide(deck.slide_layouts[6])
    stream = BytesIO()
    deck.save(stream)
    return stream.getvalue()


def slide_of(shapes: str) -> bytes:
    """A deck of one slide with these shapes, as XML."""
    made = BytesIO()
    with zipfile.ZipFile(BytesIO(_empty_deck())) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "ppt/slides/slide1.xml":
                content = content.replace(b"</p:spTree>", shapes.encode() + b"</p:spTree>")
            new.writestr(name, content)
    return made.getvalue()


def _widths(size: int) -> bytes:
    """One row with many columns, then as many rows with one."""
    return ("1," * (size // 4) + "\n" + "1\n" * (size // 4)).encode()


MARKDOWN = {
    "brackets": _again("a.md", "["),
    "links never closed": _again("a.md", "[a]("),
    "pictures in pictures": _again("a.md", "!["),
    "nested links": Shape("a.md", lambda n: ("[" * (n // 5) + "a" + "](b)" * (n // 5)).encode()),
    "emphasis": _again("a.md", "*a **b "),
    "emphasis inside words": _again("a.md", "a**"),
    "strikethrough": _again("a.md", "~~a "),
    "underscores": _again("a.md", "_"),
    "code of all lengths": Shape(
        "a.md", lambda n: "".join("`" * i + "x " for i in range(int((2 * n) ** 0.5))).encode()
    ),
    "angle brackets": _again("a.md", "<a "),
    "tags never closed": _again("a.md", '<a b="', "a "),
    "comments never closed": _again("a.md", "<!-- ", "a "),
    "entities": _again("a.md", "&amp;"),
    "autolinks": _again("a.md", "<http://a"),
    "footnote marks never closed": _again("a.md", "[^a", "[^1]: x\n\n"),
    "footnotes in footnotes": Shape("a.md", lambda n: ("^[" * (n // 3) + "a" + "]" * (n // 3)).encode()),
    "link definitions": Shape("a.md", lambda n: "".join(f"[a{i}]: b\n" for i in range(n // 12)).encode()),
    "a title that goes on": _again("a.md", "c\n", '[a]: b "\n'),
    "one heading": _again("a.md", "a\n", "", "==="),
    "tasks": _again("a.md", "- [ ] a\n"),
    "targets of template code": _again("a.md", "[a]: {{ b }}\n"),
    "template code on a line": _again("a.md", "](a{{ b }}"),
    "tables that never end": _again("a.md", "<table>\n\n    <td>a\n"),
    "tags that hold Markdown": _again("a.md", "<a markdown "),
    "lists in lists": Shape("a.md", lambda n: "".join("  " * i + "- x\n" for i in range(int(n**0.5))).encode()),
    "lists in lists on a line": _again("a.md", "- ", "", "x"),
    "quotes in quotes": _again("a.md", ">", "", "x"),
    "lines that go on in quotes": _again("a.md", "a\n", ">" * 18 + " a\n"),
    "definitions": _again("a.md", "a\n\n: b\n\n"),
    "a wide table": Shape("a.md", lambda n: "\n".join("|" + cell * (n // 6) for cell in ("a|", "-|", "b|")).encode()),
    "attributes never closed": _again("a.md", " ", "{#\n{:"),
    "attributes": _again("a.md", "{#a} "),
    "a tag never closed": _again("a.md", " ", "{% "),
    "a tag of dashes": _again("a.md", "-", "{%"),
    "values never closed": _again("a.md", "{{ "),
    "front matter in brackets": _again("a.md", "a: [", "---\n"),
    "front matter that multiplies": Shape(
        "a.md",
        lambda n: (
            "---\na0: &a0 {x: y}\n"
            + "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, n // 30))
            + "---\nx"
        ).encode(),
    ),
    "a title of digits": _again("a.md", "1:", "---\ntitle: ", "1\n---\nx"),
    "marks on one letter": _again("a.md", "\u0315\u0301", "e"),
}
OTHERS = {
    "numbering": _again("a.txt", "1."),
    "hyphens": _again("a.txt", "ab-\n"),
    "spaces": _again("a.txt", " ", "x", "y"),
    "empty lines": _again("a.txt", "\n \t", "", "x"),
    "marks": _again("a.txt", "\u0315\u0301", "e"),
    "one word": _again("a.txt", "é"),
    "divs in divs": _again("a.html", "<div>", "", "x"),
    "tables in tables": _again("a.html", "<table><tr><td>", "", "x"),
    "lists": _again("a.html", "<ul><li>x"),
    "attributes of a tag": Shape("a.html", lambda n: f"<p {' '.join(f'a{i}=1' for i in range(n // 8))}>x".encode()),
    "a long style": _again("a.html", "left: -", '<p style="', '">x'),
    "cells over columns": _again("a.html", "<tr><td colspan=1000>a<td>b", "<table>"),
    "cells over rows": Shape(
        "a.html", lambda n: ("<table><tr>" + "<td rowspan=1000>a" * (n // 36) + "<tr>" * (n // 8)).encode()
    ),
    "cells over rows and columns": Shape(
        "a.html",
        lambda n: (
            "<table><tr>"
            + "<td>a" * 900
            + "<tr><td rowspan=1000 colspan=900>b<td>c" * (n // 80)
            + "<tr><td>d" * (n // 18)
        ).encode(),
    ),
    "links": _again("a.html", "<li><a href=/a>b</a>"),
    "menus in menus": _again("a.html", "<nav class='menu nav'><a href=/a>b</a>"),
    "names of an element": _again("a.html", "nav ", "<p class='", "'>x"),
    "boxes": _again("a.html", "<p><input type=checkbox>"),
    "choices": _again("a.html", "<select><option selected>a"),
    "drawings": _again("a.html", "<svg><text>a"),
    "200 columns": _again("a.csv", "1," * 200 + "\n"),
    "one wide row": Shape("a.csv", _widths),
    "quotes never closed": _again("a.csv", '"a,'),
    "Word: runs": Shape("a.docx", _word_again(_RUN, "<w:p>", "</w:p>")),
    "Word: cells": Shape("a.docx", _word_again(_CELL, "<w:tbl><w:tr>", "</w:tr></w:tbl>")),
    "Word: tables in tables": Shape(
        "a.docx",
        lambda n: _word(
            "<w:tbl><w:tr><w:tc>" * (n // 40) + f"<w:p>{_RUN}</w:p>" + "</w:tc></w:tr></w:tbl>" * (n // 40)
        ),
    ),
    "Word: fields in fields": Shape(
        "a.docx", _word_again(f'<w:r><w:fldChar w:fldCharType="begin"/></w:r>{_RUN}', "<w:p>", "</w:p>")
    ),
    "Excel: rows": Shape("a.xlsx", _book_again(lambda n: _cells_row(n, _cell(0, n), _cell(1, n)))),
    "Excel: one row": Shape(
        "a.xlsx", lambda n: book_of(_cells_row(1, *(_cell(place % 16_384, 1) for place in range(n // 60))))
    ),
    "Excel: each cell in its own column": Shape("a.xlsx", _book_again(lambda n: _cells_row(n, _cell(n % 16_384, n)))),
    "Excel: many tables side by side": Shape(
        "a.xlsx",
        lambda n: book_of(
            "".join(
                _cells_row(row, *(_cell(5 * place + one, row) for place in range(n // 4_000) for one in (0, 1)))
                for row in range(1, 21)
            )
        ),
    ),
    "Excel: rows far apart": Shape(
        "a.xlsx", _book_again(lambda n: _cells_row(n * 3, _cell(0, n * 3), _cell(9, n * 3)))
    ),
    "Excel: merged over all rows": Shape(
        "a.xlsx",
        _book_again(
            lambda n: _cells_row(n, _cell(0, n), _cell(1 + n % 16_000, n)),
            lambda n: f'<mergeCell ref="A{n}:XFD1048576"/>',
        ),
    ),
    "Excel: dates spelled out": Shape(
        "a.xlsx", lambda n: book_of('<row><c t="d"><v>2026-03-05</v></c></row>' * (n // 40))
    ),
    "Word: labels over rows": Shape(
        "a.docx",
        _word_again(
            f"<w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr></w:tc>{_CELL}</w:tr>",
            f'<w:tbl><w:tr><w:tc><w:tcPr><w:vMerge w:val="restart"/></w:tcPr><w:p>{_RUN * 400}</w:p></w:tc>'
            f"{_CELL}</w:tr>",
            "</w:tbl>",
        ),
    ),
    "Word: labels over columns": Shape(
        "a.docx",
        _word_again(
            f'<w:tr><w:tc><w:tcPr><w:gridSpan w:val="99"/></w:tcPr><w:p>{_RUN}</w:p></w:tc>{_CELL}</w:tr>',
            "<w:tbl>",
            "</w:tbl>",
        ),
    ),
    "Word: paragraphs joined by changes": Shape(
        "a.docx", _word_again(f"<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr>{_RUN}</w:p>")
    ),
    "Word: fields": Shape(
        "a.docx",
        _word_again(
            "".join(f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>{_RUN}' for kind in ("begin", "separate", "end")),
            "<w:p>",
            "</w:p>",
        ),
    ),
    "PowerPoint: rows": Shape("a.pptx", _slide_rows),
    "PowerPoint: shapes": Shape("a.pptx", _slide_again(_SLIDE_SHAPE)),
    "PowerPoint: paragraphs": Shape(
        "a.pptx",
        _slide_again(
            '<a:p><a:pPr><a:buAutoNum type="alphaLcPeriod"/></a:pPr><a:r><a:t>a</a:t></a:r></a:p>',
            "<p:sp><p:txBody>",
            "</p:txBody></p:sp>",
        ),
    ),
    "PowerPoint: groups in groups": Shape(
        "a.pptx", _slide_again("<p:grpSp>", after=_SLIDE_SHAPE + "</p:grpSp>", most=240)
    ),
    "PDF: lines": Shape("a.pdf", _lines("Line of words")),
    "PDF: lines further and further right": Shape("a.pdf", _lines("Line of words", 0.01)),
    "PDF: items deeper and deeper": Shape("a.pdf", _lines("- item", 0.7)),
    "PDF: cut words": Shape("a.pdf", _lines("ab-")),
    "PDF: in one place": Shape("a.pdf", lambda n: _drawn([(50, 700, "abc def")] * (n // 40))),
    "PDF: one word": Shape("a.pdf", lambda n: _drawn([(50, 700, "a" * 30_000)] * (n // 30_000 + 1), 10**6)),
    "PDF: columns": Shape("a.pdf", _columns(2)),
    "PDF: columns from the right": Shape("a.pdf", _columns(1, forwards=False)),
    "end tags of nothing": Shape("a.html", lambda n: ("<b>" * (n // 6) + "</i>" * (n // 8) + "x").encode()),
}
IN_LIBRARIES = frozenset({"PDF: columns from the right", "end tags of nothing"})
"""What PDFium and libxml2 take quadratic time for, in C: a megabyte of it is ended by the limit of time."""
SHAPES = MARKDOWN | OTHERS
