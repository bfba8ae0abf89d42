"""HTML to blocks: the one place that knows what HTML looks like to a reader. Markdown comes through here too.

The parser calls back for each tag, so that a hundred thousand nested elements are only a counter here.
What no reader sees is left out: scripts, styles, comments, hidden elements, form fields, deleted words (`del`, `s`).
So are `nav`, which repeats on every page, and the alternative text of pictures, which would cut into sentences.
"""

import re
from collections.abc import Mapping

from lxml import etree

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.decoding import decode
from indexer.documents.extract.document import ExtractedDocument, Kind
from indexer.documents.extract.tables import TableReader
from indexer.documents.extract.titles import choose_title

UNSEEN = frozenset(
    "script style template noscript iframe object embed svg math canvas audio video map select option datalist textarea"
    " input progress meter nav dialog del s strike noframes applet rp frameset".split()
)
SECTIONS = frozenset(
    "address article aside blockquote body center details dialog dir div dl fieldset figcaption figure footer form"
    " header hgroup hr legend main menu ol optgroup p section summary table ul caption".split()
)
HEADINGS = {f"h{level}": level for level in range(1, 7)}
DEEPEST_LIST = 32
_HIDDEN_STYLE = re.compile(
    r"(?<![\w-])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|color\s*:\s*transparent"
    r"|(?:opacity|font-size)\s*:\s*(?:0+(?:\.0*)?|\.0+)(?:[a-z]+|%)?\s*(?:[;!]|$)"
    r"|(?:left|right|top|bottom|text-indent|margin-left|margin-top)\s*:\s*-\d{3,}(?:\.\d*)?(?:px|em|rem|ex|ch|pt|vw|vh|%)?)",
    re.IGNORECASE,
)
"""Of a style: not shown, without a size or a colour, or far outside of the page. Text in the colour of what is behind
it is read: that may stand in a style sheet."""
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_ARROWS = re.compile(r"[\s↑↩⏎^¶§#\ufe0e]+")
"""Text of links that only lead back from a footnote or to the heading that they stand in."""


def extract(data: bytes, name: str) -> ExtractedDocument:
    declared = _CHARSET.search(data, 0, 4096)
    builder = DocumentBuilder()
    title = read_html(decode(data, declared[1].decode("ascii") if declared else ""), builder)
    return builder.build(choose_title(name, title, builder.first_heading(1), builder.first_heading()))


def read_html(html: str, builder: DocumentBuilder) -> str:
    """Add the blocks of `html` to `builder`; the text of its `<title>`, or ""."""
    reader = _Reader(builder)
    parser = etree.HTMLParser(target=reader, encoding="utf-8", huge_tree=True)
    source = html.replace("\0", "").encode("utf-8", "replace")
    for start in range(0, len(source), 1 << 20):
        parser.feed(source[start : start + (1 << 20)])
    if source:
        parser.close()
    reader.flush()
    return "".join(reader.title)


class _Reader:
    """Target of lxml's parser: keeps the block that is open and adds it to the builder when it ends."""

    def __init__(self, builder: DocumentBuilder) -> None:
        self.title: list[str] = []
        self._builder = builder
        self._text: list[str] = []
        self._kinds: list[tuple[str, Kind, int]] = []  # tag, kind and level of the open elements that give a kind
        self._skipped = 0  # depth inside an element that is not seen
        self._lists = 0
        self._in_title = False
        self._superscripts = 0
        self._tables: list[TableReader] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._skipped or tag in UNSEEN or _is_hidden(attributes) or self._is_reference(tag, attributes):
            self._skipped += 1
        elif tag == "title":
            self._in_title = True
        elif tag == "br":
            self._put("\n")
        elif tag == "sup":
            self._superscripts += 1
        elif tag == "table":
            self._start_table()
        elif self._tables and tag in ("tr", "td", "th", "thead", "tbody", "tfoot"):
            self._start_table_part(tag, attributes)
        else:
            self._start_block(tag)

    def end(self, tag: str) -> None:
        if self._skipped:
            self._skipped -= 1
        elif tag == "title":
            self._in_title = False
        elif tag == "sup":
            self._superscripts -= 1
        elif tag == "table" and self._tables:
            self._end_table()
        elif self._tables and tag in ("tr", "td", "th"):
            self._end_table_part(tag)
        elif tag == "a":
            self._end_link()
        else:
            self._end_block(tag)

    def data(self, text: str) -> None:
        if self._in_title:
            self.title.append(text)
        elif not self._skipped:
            is_code = bool(self._kinds) and self._kinds[-1][1] == "code" and self._cell is None
            self._put(text if is_code else " ".join(("x" + text + "x").split())[1:-1])

    def comment(self, _text: str) -> None:
        pass

    def close(self) -> None:
        pass

    def flush(self) -> None:
        """End the open block."""
        text = "".join(self._text)
        self._text = []
        _, kind, level = self._kinds[-1] if self._kinds else ("", "paragraph", 0)
        self._builder.add(kind, text, level)

    @property
    def _cell(self) -> list[str] | None:
        """Where text goes inside a cell of a data table."""
        return self._tables[-1].cell if self._tables and not self._tables[-1].is_layout else None

    def _put(self, text: str) -> None:
        cell = self._cell
        if cell is not None:
            cell.append(text)
        else:
            self._text.append(text)

    def _start_block(self, tag: str) -> None:
        if self._cell is not None:
            if tag in SECTIONS or tag in HEADINGS or tag in ("li", "dt", "dd", "pre"):
                self._put("\n")
            return
        if tag in ("ul", "ol", "menu", "dir"):
            self.flush()
            self._lists += 1
        elif tag in HEADINGS:
            self._open(tag, "heading", HEADINGS[tag])
        elif tag in ("li", "dt"):
            self._open(tag, "item", min(max(self._lists, 1), DEEPEST_LIST))
        elif tag in ("pre", "listing", "xmp"):
            self._open(tag, "code", 0)
        elif tag == "dd" or (tag in ("p", "div") and self._in_item):
            self._text.append("\n")
        elif tag in SECTIONS:
            self.flush()

    def _end_block(self, tag: str) -> None:
        if self._cell is not None:
            if tag in SECTIONS or tag in HEADINGS or tag in ("li", "dt", "dd", "pre"):
                self._put("\n")
            return
        if tag in ("ul", "ol", "menu", "dir"):
            self.flush()
            self._lists = max(self._lists - 1, 0)
        elif tag in HEADINGS or tag in ("li", "pre", "listing", "xmp"):
            self._close(tag)
        elif tag in ("dt", "dd") or (tag in ("p", "div") and self._in_item):
            self._text.append("\n")
        elif tag in SECTIONS:
            self.flush()
            if tag == "dl":
                self._close("dt")

    @property
    def _in_item(self) -> bool:
        return bool(self._kinds) and self._kinds[-1][1] == "item"

    def _open(self, tag: str, kind: Kind, level: int) -> None:
        self.flush()
        if tag == "dt" and self._kinds and self._kinds[-1][0] == "dt":
            self._kinds.pop()
        self._kinds.append((tag, kind, level))

    def _close(self, tag: str) -> None:
        self.flush()
        if self._kinds and self._kinds[-1][0] == tag:
            self._kinds.pop()

    def _is_reference(self, tag: str, attributes: Mapping[str, str]) -> bool:
        """A footnote's number, which would stick to the word before it."""
        return tag == "a" and self._superscripts > 0 and attributes.get("href", "").startswith("#")

    def _end_link(self) -> None:
        target = self._text if self._cell is None else self._cell
        if target and target[-1] and _ARROWS.fullmatch(target[-1]):
            target.pop()

    def _start_table(self) -> None:
        self.flush()
        if self._tables:
            self._make_layout(self._tables[-1])
        self._tables.append(TableReader())

    def _make_layout(self, table: TableReader) -> None:
        """What the table holds so far are stretches of text, and so is the rest of it."""
        if table.is_layout:
            return
        table.is_layout = True
        for row in table.rows:
            for text in row:
                self._builder.add("paragraph", text)
        table.rows.clear()
        for text in (*table._row, "".join(table.cell or ())):
            self._builder.add("paragraph", text)

    def _start_table_part(self, tag: str, attributes: Mapping[str, str]) -> None:
        table = self._tables[-1]
        if table.is_layout:
            self.flush()
        elif tag == "tr":
            table.open_row()
        elif tag in ("td", "th"):
            table.open_cell(tag, attributes.get("colspan", ""), attributes.get("rowspan", ""))
        else:
            table.open_section(tag)

    def _end_table_part(self, tag: str) -> None:
        table = self._tables[-1]
        if table.is_layout:
            self.flush()
        elif tag == "tr":
            table.close_row()
        else:
            table.close_cell()

    def _end_table(self) -> None:
        table = self._tables.pop()
        if table.is_layout:
            self.flush()
            return
        table.close_row()
        if max((sum(map(bool, row)) for row in table.rows), default=0) > 1:
            self._builder.add_table(table.rows, table.header_rows())
            return
        for row in table.rows:  # one column: a box around text
            for line in "".join(row).split("\n"):
                self._builder.add("paragraph", line)


def _is_hidden(attributes: Mapping[str, str]) -> bool:
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden", "").lower() == "true"
        or bool(_HIDDEN_STYLE.search(attributes.get("style", "")))
    )
