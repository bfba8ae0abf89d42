"""Word files that refer to themselves, nest without end, or repeat what they hold."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

from tests.indexer.documents.extract.word.words import (
    NAMES,
    Part,
    cell_of,
    package,
    paragraph,
    part,
    row,
    run,
    table,
    word,
)
from tests.indexer.hostile.cases import failed, indexed, skipped
from tests.indexer.hostile.package_cases import HELD, packed

LEAVE = paragraph(HELD)
_DEEP = r"The file is damaged.*"
_CHUNK = '<w:altChunk r:id="rId1"/>'


def field(kind: str) -> str:
    return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'


def styles_in_a_circle() -> bytes:
    made = "".join(
        f'<w:style w:type="paragraph" w:styleId="S{n}"><w:name w:val="s{n}"/><w:basedOn w:val="S{(n + 1) % 5000}"/>'
        f'<w:link w:val="S{n}"/></w:style>'
        for n in range(5000)
    )
    return word(paragraph(HELD, "S7"), more=part("styles", made))


def numbering_in_a_circle() -> bytes:
    made = (
        '<w:abstractNum w:abstractNumId="1"><w:numStyleLink w:val="L"/></w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>'
    )
    styles = (
        '<w:style w:type="numbering" w:styleId="L"><w:name w:val="l"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr>'
        "</w:pPr></w:style>"
    )
    return word(paragraph(HELD, numbered=(1, 0)), numbers=part("numbering", made), more=part("styles", styles))


def numbers_out_of_range() -> bytes:
    level = '<w:lvl w:ilvl="0"><w:start w:val="{start}"/><w:numFmt w:val="{kind}"/><w:lvlText w:val="{text}"/></w:lvl>'
    kinds = ("lowerRoman", "upperLetter", "chineseCounting", "ordinalText", "hebrew1", "none", "decimalZero")
    made = "".join(
        f'<w:abstractNum w:abstractNumId="{n}">'
        + level.format(start="9" * 40 if n % 2 else "-7", kind=kind, text="%1%9%99" * 50)
        + f'</w:abstractNum><w:num w:numId="{n}"><w:abstractNumId w:val="{n}"/></w:num>'
        for n, kind in enumerate(kinds, start=1)
    )
    items = "".join(paragraph(HELD, numbered=(n, 0)) for n in range(1, len(kinds) + 3))
    return word(items, numbers=part("numbering", made))


def header_of_itself() -> bytes:
    """A header whose own section names that header again, and a picture frame that names it as its part."""
    inside = f'{paragraph("Header")}<w:sectPr><w:headerReference w:type="default" r:id="rId1"/></w:sectPr>'
    section = '<w:p><w:pPr><w:sectPr><w:headerReference w:type="default" r:id="rId1"/></w:sectPr></w:pPr></w:p>'
    return word(LEAVE + section * 3, head=part("header", inside, "hdr"))


def notes_of_themselves(kind: str) -> bytes:
    mark = f'<w:r><w:{kind}Reference w:id="1"/></w:r>'
    note = f'<w:{kind} w:id="1">{paragraph(run("note") + mark)}</w:{kind}>'
    return word(paragraph(run(HELD) + mark * 500), notes=part(f"{kind}s", note))


def comments_of_themselves() -> bytes:
    mark = '<w:r><w:commentReference w:id="1"/></w:r>'
    return word(
        paragraph(run(HELD) + mark * 500),
        notes=part("comments", f'<w:comment w:id="1">{paragraph(run("note") + mark)}</w:comment>'),
    )


def chunk_of_itself() -> bytes:
    """A Word file that imports a Word file that imports itself, and so on, forty deep."""
    data = word(LEAVE)
    for _ in range(40):
        data = importing("inner.docx", data, LEAVE)
    return data


def importing(name: str, content: bytes, body: str, times: int = 1) -> bytes:
    """A document that imports one part, by as many marks as wanted."""
    outer = package(_CHUNK * times + body, {name: Part("aFChunk", "application/octet-stream", "<html/>")})
    stream = BytesIO()
    with ZipFile(BytesIO(outer)) as old, ZipFile(stream, "w", ZIP_DEFLATED) as new:
        for one in old.namelist():
            new.writestr(one, content if one == f"word/{name}" else old.read(one))
    return stream.getvalue()


def chunk_is_the_document() -> bytes:
    """The imported part is the document's own text."""
    data = word(_CHUNK * 100 + LEAVE)
    rels = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1"'
        b' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/aFChunk" Target="document.xml"/>'
        b"</Relationships>"
    )
    return packed(data, change=lambda name, old: rels if name == "word/_rels/document.xml.rels" else old)


def nested(opening: str, closing: str, depth: int, inside: str = LEAVE) -> bytes:
    return word(opening * depth + inside + closing * depth)


def boxes_in_boxes(depth: int) -> bytes:
    opening = '<w:p><w:r><mc:AlternateContent><mc:Choice Requires="wps"><wps:txbx><w:txbxContent>'
    closing = "</w:txbxContent></wps:txbx></mc:Choice></mc:AlternateContent></w:r></w:p>"
    return nested(opening, closing, depth)


def spans_out_of_range() -> bytes:
    spans = ("1000000000", "-5", "0", "x", "9" * 400)
    cells = [cell_of(HELD, f'<w:gridSpan w:val="{span}"/><w:vMerge w:val="restart"/>') for span in spans]
    before = '<w:gridBefore w:val="1000000000"/><w:gridAfter w:val="1000000000"/>'
    return word(LEAVE + table(row(*cells), row(*cells, about=before)))


WORD = (
    failed(
        "100,000 paragraphs deep.docx",
        "an element in an element, 100,000 deep",
        lambda: nested("<w:p>", "</w:p>", 100_000),
        _DEEP,
    ),
    failed(
        "100,000 changes deep.docx", "insertions in insertions", lambda: nested("<w:ins>", "</w:ins>", 100_000), _DEEP
    ),
    indexed(
        "controls in controls.docx",
        "content controls, 60 deep",
        lambda: nested("<w:sdt><w:sdtContent>", "</w:sdtContent></w:sdt>", 60),
        HELD,
    ),
    indexed(
        "tables in tables.docx",
        "tables, 50 deep",
        lambda: nested("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>", 50),
        HELD,
    ),
    indexed("boxes in boxes.docx", "text boxes, 25 deep", lambda: boxes_in_boxes(25), HELD),
    indexed("styles in a circle.docx", "5,000 styles, each based on the next", styles_in_a_circle, HELD),
    indexed("numbering in a circle.docx", "a list style that is defined by itself", numbering_in_a_circle, HELD),
    indexed("numbers out of range.docx", "lists that start at 10^40", numbers_out_of_range, HELD),
    indexed("a header of itself.docx", "a header that names itself", header_of_itself, HELD),
    indexed(
        "footnotes of themselves.docx",
        "a footnote whose mark is its own",
        lambda: notes_of_themselves("footnote"),
        HELD,
    ),
    indexed(
        "endnotes of themselves.docx", "an endnote whose mark is its own", lambda: notes_of_themselves("endnote"), HELD
    ),
    indexed("comments of themselves.docx", "a comment about itself", comments_of_themselves, HELD),
    indexed(
        "imports in imports.docx", "an imported Word file, forty deep", chunk_of_itself, HELD, r".*imported file.*"
    ),
    indexed(
        "an import of itself.docx",
        "a document that imports its own text",
        chunk_is_the_document,
        HELD,
        r".*imported file.*",
    ),
    indexed(
        "an import of a bomb.docx",
        "an imported archive bomb",
        lambda: importing("inner.docx", packed(word(LEAVE), ("word/media/a.bin", bytes(34 << 20))), LEAVE),
        HELD,
        r".*imported file.*",
    ),
    indexed(
        "imported 1,000 times.docx",
        "one page imported a thousand times",
        lambda: importing("inner.html", b"<p>Imported once.</p>", LEAVE, 1_000),
        HELD,
    ),
    indexed("spans out of range.docx", "cells over 10^9 columns", spans_out_of_range, HELD),
    indexed(
        "fields never closed.docx",
        "20,000 fields that begin",
        lambda: word(LEAVE + f"<w:p>{field('begin') * 20_000}{run('hidden code')}</w:p>"),
        HELD,
        ".*",
    ),
    indexed(
        "fields never opened.docx",
        "20,000 fields that end",
        lambda: word(f"<w:p>{field('end') * 20_000}</w:p>" + LEAVE),
        HELD,
    ),
    indexed(
        "a paragraph of 1 MB.docx",
        "one paragraph of a megabyte",
        lambda: word(LEAVE + paragraph("word " * 200_000)),
        HELD,
    ),
    indexed("a word of 300,000 letters.docx", "one word", lambda: word(LEAVE + paragraph("w" * 300_000)), HELD),
    indexed(
        "an attribute of 4 MB.docx",
        "a style name of four megabytes",
        lambda: word(paragraph(HELD, "S" * 4_000_000)),
        HELD,
    ),
    indexed(
        "100,000 attributes.docx",
        "an element with 100,000 attributes",
        lambda: word("<w:p " + " ".join(f'w:a{n}="1"' for n in range(100_000)) + f">{run(HELD)}</w:p>"),
        HELD,
    ),
    indexed(
        "characters that are none.docx",
        "private use, bidi overrides, marks without end",
        lambda: word(LEAVE + paragraph("&#xE000;&#x202E;gnp.exe&#x2066;&#x200B;e" + "&#x301;" * 50_000)),
        HELD,
    ),
    indexed(
        "relations in a circle.docx",
        "relations of relations",
        lambda: packed(
            word(LEAVE),
            ("word/_rels/_rels/document.xml.rels.rels", b"<Relationships/>"),
            ("_rels/_rels/.rels.rels", b"<a/>"),
        ),
        HELD,
    ),
    skipped(
        "no words.docx",
        "a document of empty paragraphs",
        lambda: word("<w:p/>" * 1_000),
        r"The file holds no text that a reader would see\.",
    ),
    indexed(
        "names of other things.docx",
        "elements of unknown names",
        lambda: word(f"<w:odd><x>{LEAVE}</x></w:odd>{LEAVE}<w:p {NAMES}/>"),
        HELD,
    ),
)
