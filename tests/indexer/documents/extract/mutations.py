"""Small valid files of every format, and what an accident or an attacker does to them."""

import re
import zipfile
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path

from hypothesis import strategies as st
from reportlab.platypus import Table

from indexer.documents.extract.formats import FORMATS
from tests.indexer.documents.extract.pdf.pdfs import styled, typeset
from tests.indexer.documents.extract.sheets.workbooks import book
from tests.indexer.documents.extract.slides.decks import TITLE_AND_BODY, box, deck_of
from tests.indexer.documents.extract.slides.decks import table as slide_table
from tests.indexer.documents.extract.word.words import cell_of, paragraph, part, row, run, table, word

_ROWS = [["Name", "Days", "From"], ["Anna", 30, 45000.5], ["Bernd", 28.25, True], ["Carla", "=B2+B3", None]]

_MARKDOWN = """---
title: Leave
tags: [a, b]
---
# Leave

Anna has **30** days[^1], see [the list](list.md) and `code`.

- [x] asked
  1. granted

| Name | Days |
|:-----|-----:|
| Anna | 30 |

```text
kept
```

<table><tr><td rowspan=2>a<td>b<tr><td>c</table>

[^1]: By law.
"""

_HTML = """<!doctype html><html lang=en><head><meta charset=utf-8><title>Leave</title></head><body><nav><a href=/a>Home</a></nav>
<main><h1>Leave</h1><p>Anna has <b>30</b> days &amp; more.<ul><li>one<ol><li value=3>two</ol></ul>
<table><caption>Days</caption><tr><th colspan=2>Name<th>Days<tr><td rowspan=2>Anna<td>30<td>x<tr><td>28<td>y</table>
<form><label><input type=checkbox checked>asked</label><select><option>a<option selected>b</select></form>
<details><summary>More</summary><pre>kept  as is</pre></details></main></body></html>"""  # noqa: E501

_TABLE = 'name;days;remark\nAnna;30;"a;b"\nBernd;28;"two\nlines"\nCarla;27;\n'


def _docx() -> bytes:
    level = '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>'
    numbers = (
        f'<w:abstractNum w:abstractNumId="1">{level}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>'
    )
    mark = '<w:r><w:footnoteReference w:id="2"/></w:r>'
    return word(
        paragraph("Leave", "Heading1")
        + paragraph(run("Anna has 30 days.") + mark)
        + paragraph("asked", numbered=(1, 0))
        + table(
            row(cell_of("Name", '<w:gridSpan w:val="2"/>'), "Days"),
            row(cell_of("Anna", '<w:vMerge w:val="restart"/>'), "a", "30"),
            row(cell_of("", "<w:vMerge/>"), "b", "28"),
        )
        + '<w:p><w:pPr><w:sectPr><w:headerReference w:type="default" r:id="rId3"/></w:sectPr></w:pPr></w:p>',
        numbers=part("numbering", numbers),
        notes=part("footnotes", f'<w:footnote w:id="2">{paragraph("By law.")}</w:footnote>'),
        head=part("header", paragraph("Handbook"), "hdr"),
    )


def _deck() -> bytes:
    def fill(slide: object) -> None:
        slide.shapes.title.text = "Leave"  # type: ignore[attr-defined]
        box(slide, "Anna has 30 days.")
        slide_table(slide, [["Name", "Days"], ["Anna", "30"]])

    return deck_of(fill, fill, layout=TITLE_AND_BODY)


def _pdf() -> bytes:
    return typeset(styled("Leave", "Heading1"), styled("Anna has 30 days."), Table([["Name", "Days"], ["Anna", "30"]]))


_MADE: dict[str, Callable[[], bytes]] = {
    "markdown.reader:extract": _MARKDOWN.encode,
    "text.reader:extract": "Überstunden: Anna has 30 days.\n\n1. asked\n2. granted\n".encode,
    "html.reader:extract": _HTML.encode,
    "pdf.reader:extract": _pdf,
    "word.reader:extract": _docx,
    "slides.reader:extract": _deck,
    "sheets.reader:extract_workbook": lambda: book(_ROWS, lambda sheet: sheet.merge_cells("A6:C7")),
    "sheets.delimited:extract_csv": _TABLE.encode,
    "sheets.delimited:extract_tsv": _TABLE.replace(";", "\t").encode,
}


@cache
def valid(ending: str) -> bytes:
    """A small file of the format, with something of most of what is read in it."""
    return _MADE[FORMATS[ending].reader]()


ENDINGS = sorted({one.reader: ending for ending, one in sorted(FORMATS.items())}.values())
"""One ending for each entry of a parser."""
PACKED = [ending for ending in ENDINGS if valid(ending).startswith(b"PK")]
PLAIN = [ending for ending in ENDINGS if ending not in PACKED]


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes after a few accidents: overwritten, cut out, doubled, swapped, or with others put in between."""
    for _ in range(draw(st.integers(1, 4))):
        first, second = sorted(draw(st.tuples(st.integers(0, len(data)), st.integers(0, len(data)))))
        kind = draw(st.sampled_from("flip cut double swap put end".split()))
        if kind == "flip":
            there = data[first : first + 1]
            data = data[:first] + bytes(byte ^ draw(st.integers(1, 255)) for byte in there) + data[first + 1 :]
        elif kind == "cut":
            data = data[:first] + data[second:]
        elif kind == "double":
            data = data[:second] + data[first:second][:2_000] + data[second:]
        elif kind == "swap":
            data = data[second:] + data[first:second] + data[:first]
        elif kind == "put":
            data = data[:first] + draw(st.one_of(st.binary(max_size=20), st.sampled_from(_SEPARATE))) + data[first:]
        else:
            data = data[:first]
    return data


_SEPARATE = (
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r",
    b'"',
    b"<",
    b">",
    b"<!--",
    b"<table>",
    b"</td>",
    b"]]>",
    b"&#0;",
)
_ODD_VALUES = (
    "",
    "0",
    "-1",
    "1",
    "x",
    "nan",
    "1e999",
    "true",
    "999999999999",
    "A1:XFD1048576",
    "rId1",
    "../x",
    "&#x202E;",
)


@st.composite
def mutated_package(draw: st.DrawFn, data: bytes) -> bytes:
    """An archive with a few accidents in its parts; each part is still packed right."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    names = [name for name in parts if not name.startswith(("docProps", "ppt/printerSettings"))]
    read = [name for name in names if "theme" not in name and ("Layout" not in name or "Layout2" in name)]
    for _ in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(read))
        kind = draw(st.sampled_from("value value value value element element lose swap bytes".split()))
        if kind == "value":
            parts[name] = draw(_other_value(parts[name]))
        elif kind == "element":
            parts[name] = draw(_other_element(parts[name]))
        elif kind == "lose":
            parts[name] = b""
        elif kind == "swap":
            other = draw(st.sampled_from(read))
            parts[name], parts[other] = parts[other], parts[name]
        else:
            parts[name] = draw(mutated(parts[name]))
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


@st.composite
def _other_value(draw: st.DrawFn, content: bytes) -> bytes:
    """An attribute, or the text of an element, with another value."""
    places = [found.span(1) for found in re.finditer(rb'="([^"]*)"|>([^<>]+)<', content) if found[1] is not None]
    places += [found.span(1) for found in re.finditer(rb">([^<>]+)<", content)]
    if not places:
        return content
    start, end = draw(st.sampled_from(places))
    return content[:start] + draw(st.sampled_from(_ODD_VALUES)).encode() + content[end:]


@st.composite
def _other_element(draw: st.DrawFn, content: bytes) -> bytes:
    """An element without children lost, doubled, or put where another one stood."""
    places = [found.span() for found in re.finditer(rb"<([\w:]+)[^<>]*(?:/>|>[^<>]*</\1>)", content)]
    if not places:
        return content
    start, end = draw(st.sampled_from(places))
    other = draw(st.sampled_from(places))
    return content[:start] + content[slice(*other)] * draw(st.integers(0, 3)) + content[end:]


def named(ending: str) -> str:
    return str(Path("leave").with_suffix(ending))
