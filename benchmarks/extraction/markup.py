"""HTML and Markdown, as libraries give them, to parts: headings, paragraphs, rows and the names of their columns."""

from html.parser import HTMLParser

from benchmarks.extraction.cases import Part

_BLOCKS = frozenset("p div li dt dd pre blockquote section article figcaption caption title summary details".split())
_HEADINGS = frozenset(f"h{level}" for level in range(1, 7))
_UNSEEN = frozenset("script style title head template".split())


def html_parts(html: str) -> list[Part]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.end_block()
    return reader.parts


def markdown_parts(text: str) -> list[Part]:
    from markdown_it import MarkdownIt

    return html_parts(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text))


class _Reader(HTMLParser):
    """Rows whose cells are all `th`, or that stand in `thead`, name columns. Cells that span rows are not repeated."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[Part] = []
        self._text: list[str] = []
        self._kind = "paragraph"
        self._cells: list[str] = []
        self._heads: list[bool] = []
        self._in_head = False
        self._rows = 0  # depth of open rows
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "tr":
            self.end_block()
            self._rows, self._cells, self._heads = 1, [], []
        elif tag in ("td", "th") and self._rows:
            self._text = []
            self._heads.append(tag == "th")
        elif tag == "thead":
            self._in_head = True
        elif tag == "br":
            self._text.append(" " if self._rows else "\n")
        elif tag == "input" and given.get("type") in ("checkbox", "radio"):
            self._text.append("[x] " if "checked" in given else "[ ] ")
        elif tag in _HEADINGS or tag in _BLOCKS:
            self.end_block()
            self._kind = "heading" if tag in _HEADINGS else "paragraph"

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif tag == "tr" and self._rows:
            self._rows = 0
            kind = "header" if self._in_head or (self._heads and all(self._heads)) else "row"
            self.parts.append((kind, " | ".join(self._cells)))
            self._text = []
        elif tag in ("td", "th") and self._rows:
            self._cells.append(" ".join("".join(self._text).split()))
            self._text = []
        elif tag == "thead":
            self._in_head = False
        elif tag in _HEADINGS or tag in _BLOCKS:
            self.end_block()

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._text.append(data)

    def end_block(self) -> None:
        if self._rows:
            self._text.append(" ")
            return
        text = "".join(self._text).strip()
        if text:
            self.parts.append((self._kind, text))
        self._text, self._kind = [], "paragraph"
