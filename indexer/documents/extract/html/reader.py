"""HTML to blocks: the one place that knows what HTML looks like to a reader. Markdown comes through here too.

The parser calls back for each tag, so that a hundred thousand nested elements are only a counter here.
What no reader sees is left out: scripts, styles, comments, hidden elements, deleted words (`del`, `s`). So are menus,
which repeat on every page, and the alternative text of pictures, which would cut into sentences.
"""

import re
from collections.abc import Mapping

from lxml import etree

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.document import ExtractedDocument, Kind
from indexer.documents.extract.html import forms as html_forms
from indexer.documents.extract.html.context import Context
from indexer.documents.extract.html.flow import Flow, Part
from indexer.documents.extract.html.menus import COOKIES, without_menus
from indexer.documents.extract.html.tables import TableReader
from indexer.documents.extract.html.unread import STRUCK, Unread
from indexer.documents.extract.text.decoding import decode_with_doubts
from indexer.documents.extract.titles import choose_title

UNSEEN = frozenset(
    "script style template noscript iframe object canvas audio video map datalist progress meter dialog del s"
    " strike noframes applet rp frameset annotation annotation-xml defs symbol metadata clippath mask pattern".split()
)
_SHOWN_WITH = {"dialog": "open", "template": "shadowrootmode"}
"""Of these, those with an attribute that shows them."""
SECTIONS = frozenset(
    "address article aside blockquote body center details dialog dir div dl fieldset figcaption figure footer form"
    " header hgroup hr legend main menu nav ol p section summary table ul caption".split()
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
_BEHIND = re.compile(r"(?<![\w-])background(?:-color)?\s*:\s*([^;]{1,60})", re.IGNORECASE)
_HEADER_NAMES = frozenset("header head thead table-header tableheader table-head tablehead".split())
_NOT_DISPLAYED = re.compile(r"(?<![\w-])display\s*:\s*none", re.IGNORECASE)
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_ARROWS = re.compile(r"[\s↑↩⏎^¶§#\ufe0e]+")
"""Text of links that only lead back from a footnote or to the heading that they stand in."""


def extract(data: bytes, name: str) -> ExtractedDocument:
    declared = _CHARSET.search(data, 0, 4096)
    builder = DocumentBuilder()
    source, builder.remarks = decode_with_doubts(data, declared[1].decode("ascii") if declared else "")
    title = read_html(source, builder, is_page=True)
    return builder.build(choose_title(name, title, builder.first_heading(1), builder.first_heading()))


def read_html(html: str, builder: DocumentBuilder, is_page: bool = False) -> str:
    """Add the blocks of `html` to `builder`; the text of its `<title>`, or "". `is_page` says that it may be saved from
    a site, with menus that nothing marks as such."""
    reader = _Reader(is_page)
    parser = etree.HTMLParser(target=reader, encoding="utf-8", huge_tree=True)
    source = html.replace("\0", "").encode("utf-8", "replace")
    for start in range(0, len(source), 1 << 20):
        parser.feed(source[start : start + (1 << 20)])
    if source:
        parser.close()
    parts, menus = without_menus(reader.finished(), is_page)
    for part in parts:
        part.add_to(builder)
    builder.remarks += reader.unread.remarks(builder.is_empty)
    if menus:
        builder.remarks.append(f"{menus:,} line{'s' * (menus != 1)} of menus and links around the page left out.")
    return "".join(reader.title)


class _Reader:
    """Target of lxml's parser: keeps the block that is open and puts it to the others when it ends."""

    def __init__(self, is_page: bool) -> None:
        self.title: list[str] = []
        self.unread = Unread(is_page)
        self._drawing: Mapping[str, str] | None = None  # attributes of the open one, until it shows words
        self._skipped_tag = ""
        self._page = Flow()
        self._cell: Flow | None = None  # of a data table
        self._outside: tuple[list[tuple[str, Kind, int]], int] = ([], 0)  # kinds and lists around the cell
        self._kinds: list[tuple[str, Kind, int]] = []  # tag, kind and level of the open elements that give a kind
        self._skipped = 0  # depth inside an element that is not seen
        self._lists = 0
        self._context = Context()
        self._choice: html_forms.Choice | None = None
        self._tables: list[TableReader] = []
        self._data: TableReader | None = (
            None  # the one of them that is data: what is in its cells is not, or it is none
        )

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        context = self._context
        if self._skipped or self._is_unseen(tag, attributes):
            self._skip(tag, attributes)
            return
        if not (tag == "img" and html_forms.shown(tag, attributes)):
            self.unread.meet(tag, attributes, context.region)
        tag = context.open(tag, attributes)
        if self._choice is not None and tag in SECTIONS:
            self._end_choice()  # which its own end tag should have done
        if tag in ("select", "option"):
            self._start_choice(tag, attributes)
            return
        if tag == "br":
            self._put("\n")
        elif tag == "table":
            self._start_table(attributes)
        elif self._tables and tag in ("tr", "td", "th", "thead", "tbody", "tfoot"):
            self._start_table_part(tag, attributes)
        else:
            self._start_block(tag)
        if shown := html_forms.shown(tag, attributes):
            self._put(shown)
        if tag == "svg" and context.drawings == 1:
            self._drawing = dict(attributes)
        elif tag in ("text", "foreignobject"):
            self._drawing = None
        if context.is_drawing and (tag == "text" or (tag == "tspan" and "dy" in attributes)):
            self._put("\n" if tag == "text" else " ")

    def _skip(self, tag: str, attributes: Mapping[str, str]) -> None:
        if not self._skipped:
            self._skipped_tag = tag
            if not _is_hidden(attributes):
                self.unread.meet(tag, attributes, self._context.region)
        elif tag == "frame":
            self.unread.meet(tag, attributes, self._context.region)
        self._skipped += 1

    def end(self, tag: str) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        tag = self._context.current
        if tag == "select":
            self._end_choice()
        elif tag == "table" and self._tables:
            self._end_table()
        elif self._tables and tag in ("tr", "td", "th"):
            self._end_table_part(tag)
        elif tag == "a":
            self._end_link()
        elif tag == "text" and self._context.is_drawing:
            self._put("\n")
        elif tag == "svg" and self._drawing is not None and self._context.drawings == 1:
            self.unread.drawing(self._drawing, self._context.region)
        else:
            self._end_block(tag)
        self._context.close()

    def data(self, text: str) -> None:
        if self._skipped:
            if self._skipped_tag in STRUCK:
                self.unread.struck += len(text.split())
            elif self._skipped_tag == "style":
                self.unread.style(text)
            return
        if self._context.is_silent:
            return
        if self._context.titles:
            self.title.append(text)
        elif self._choice is not None:
            self._choice.put(text)
        elif (self._kinds and self._kinds[-1][1] == "code") or self._context.current == "textarea":
            self._put(text)
        else:
            self._put(" ".join(("x" + text + "x").split())[1:-1])

    def comment(self, _text: str) -> None:
        pass

    def close(self) -> None:
        pass

    def finished(self) -> list[Part]:
        """All parts, when the last tag is read."""
        self._end_choice()
        if self._data is not None:
            self._make_layout(self._data)
        self._flush()
        return self._page.parts

    @property
    def _flow(self) -> Flow:
        return self._page if self._cell is None else self._cell

    def _put(self, text: str) -> None:
        context = self._context
        self._flow.put(text, context.region, context.links > 0, context.bold > 0)

    def _flush(self) -> None:
        """End the open block."""
        _, kind, level = self._kinds[-1] if self._kinds else ("", "paragraph", 0)
        self._flow.end(kind, level)
        if kind == "heading" and self._flow.parts and self._flow.parts[-1].kind == kind:
            self.unread.heading = self._flow.parts[-1].text

    def _is_unseen(self, tag: str, attributes: Mapping[str, str]) -> bool:
        if tag in UNSEEN and not (tag in _SHOWN_WITH and _SHOWN_WITH[tag] in attributes):
            return True
        if tag == "title" and self._context.is_drawing:
            return True
        if _is_hidden(attributes) and not (html_forms.is_box(tag, attributes) and _is_drawn_over(attributes)):
            return True
        if tag == "a" and self._context.superscripts and attributes.get("href", "").startswith("#"):
            return True  # a footnote's number, which would stick to the word before it
        return bool(COOKIES.search(f"{attributes.get('id', '')} {attributes.get('class', '')}"))

    def _start_choice(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "select":
            self._choice = html_forms.Choice(
                "multiple" not in attributes and attributes.get("size", "1") in ("", "0", "1")
            )
        elif self._choice is not None:
            self._choice.open_option("selected" in attributes)

    def _end_choice(self) -> None:
        if self._choice is not None:
            shown, self._choice = self._choice.shown(), None
            self._put(shown)

    def _start_block(self, tag: str) -> None:
        if tag in ("ul", "ol", "menu", "dir"):
            self._flush()
            self._lists += 1
        elif tag in HEADINGS:
            self._open(tag, "heading", HEADINGS[tag])
        elif tag in ("li", "dt"):
            self._open(tag, "item", min(max(self._lists, 1), DEEPEST_LIST))
        elif tag in ("pre", "listing", "xmp"):
            self._open(tag, "code", 0)
        elif tag == "dd" or (tag in ("p", "div") and self._in_item):
            self._put("\n")
        elif tag in SECTIONS:
            self._flush()

    def _end_block(self, tag: str) -> None:
        if tag in ("ul", "ol", "menu", "dir"):
            self._flush()
            self._lists = max(self._lists - 1, 0)
        elif tag in HEADINGS or tag in ("li", "pre", "listing", "xmp"):
            self._close(tag)
        elif tag in ("dt", "dd") or (tag in ("p", "div") and self._in_item):
            self._put("\n")
        elif tag in SECTIONS:
            self._flush()
            if tag == "dl":
                self._close("dt")

    @property
    def _in_item(self) -> bool:
        return bool(self._kinds) and self._kinds[-1][1] == "item"

    def _open(self, tag: str, kind: Kind, level: int) -> None:
        self._flush()
        if tag == "dt" and self._kinds and self._kinds[-1][0] == "dt":
            self._kinds.pop()
        self._kinds.append((tag, kind, level))

    def _close(self, tag: str) -> None:
        self._flush()
        if self._kinds and self._kinds[-1][0] == tag:
            self._kinds.pop()

    def _end_link(self) -> None:
        text = self._flow.text
        if text and text[-1] and _ARROWS.fullmatch(text[-1]):
            text.pop()
        elif text and self._context.names_language(text[-1]):
            self._flow.add_language()

    def _start_table(self, attributes: Mapping[str, str]) -> None:
        is_inside = self._cell is not None and self._data is not None and self._data.names_columns
        if self._data is not None and not is_inside:
            self._make_layout(self._data)
        self._flush()
        table = TableReader(is_inside or attributes.get("role", "") in ("presentation", "none"))
        self._tables.append(table)
        if not table.is_layout:
            self._data = table

    def _make_layout(self, table: TableReader) -> None:
        """What the table holds so far are stretches of text, and so is the rest of it."""
        table.is_layout = True
        self._data = None
        self._flush()
        self._page.parts += table.parts
        if self._cell is not None:
            self._page.parts += self._cell.parts
            self._kinds = self._outside[0] + self._kinds
            self._lists += self._outside[1]
            self._cell = None

    def _start_table_part(self, tag: str, attributes: Mapping[str, str]) -> None:
        table = self._tables[-1]
        if table.is_layout:
            self._flush()
            return
        self._end_cell(table)
        if tag == "tr":
            table.open_row(_look(attributes), bool(_HEADER_NAMES & set(attributes.get("class", "").lower().split())))
        elif tag in ("td", "th"):
            table.open_cell(tag, attributes.get("colspan", ""), attributes.get("rowspan", ""), _look(attributes))
            self._flush()
            self._cell = Flow()
            self._outside = (self._kinds, self._lists)
            self._kinds, self._lists = [], 0
        else:
            table.open_section(tag)

    def _end_table_part(self, tag: str) -> None:
        table = self._tables[-1]
        if table.is_layout:
            self._flush()
            return
        self._end_cell(table)
        if tag == "tr":
            table.close_row()

    def _end_cell(self, table: TableReader) -> None:
        if self._cell is None:
            return
        self._flush()
        cell, self._cell = self._cell, None
        self._kinds, self._lists = self._outside
        table.close_cell(cell)

    def _end_table(self) -> None:
        table = self._tables[-1]
        if not table.is_layout:
            self._end_cell(table)
        self._tables.pop()
        self._flush()
        if table.is_layout:
            return
        self._data = None
        if table.finish():
            part = Part("row", "", linked=table.linked, region=self._context.region)
            part.rows, part.header_rows = table.rows, table.header_rows()
            self._page.parts.append(part)
        else:
            self._page.parts += table.parts


def _is_hidden(attributes: Mapping[str, str]) -> bool:
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden", "").lower() == "true"
        or bool(_HIDDEN_STYLE.search(attributes.get("style", "")))
    )


def _is_drawn_over(attributes: Mapping[str, str]) -> bool:
    """Whether a control is only hidden as sites do that draw a nicer one in its place."""
    return not (
        "hidden" in attributes
        or attributes.get("aria-hidden", "").lower() == "true"
        or _NOT_DISPLAYED.search(attributes.get("style", ""))
    )


def _look(attributes: Mapping[str, str]) -> str:
    """The colour behind a row or a cell of a table, "" for none of its own."""
    behind = _BEHIND.search(attributes.get("style", ""))
    return (behind[1] if behind else attributes.get("bgcolor", "")).strip().lower()
