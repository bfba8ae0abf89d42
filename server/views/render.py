"""Markdown that a model or a document wrote -> HTML that is safe to show (pure).

Tables and strike-through are on; HTML, bare links and reference definitions are off. Links go to http, https and mailto
only, images are shown as their description and never loaded, headings begin at the third level because the question is
the second. Citation marks `[n]` at known places become small links with the quoted words beside them; any other text
in brackets stays text. What the renderer writes then passes an allow-list (nh3).

Marks are carried through the parser between two punctuation characters that no office writes, so that emphasis beside
a mark closes as it would beside a bracket.
"""

import re
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

OPEN, CLOSE = "\u2e22", "\u2e23"  # around a mark: OPEN n ":" index CLOSE
WEAK, STRONG = "\u2e24", "\u2e25"  # around a sentence that nothing supports
_RESERVED = str.maketrans({OPEN: "\u2308", CLOSE: "\u2309", WEAK: "\u230a", STRONG: "\u230b"})
_SENTINEL = re.compile(f"{OPEN}(\\d+):(\\d+){CLOSE}|{WEAK}|{STRONG}")
_GUESS = re.compile(r"\[(\d{1,4})\]")
_LINE_START = re.compile(r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)]|>|#{1,6})[ \t]+)*")
_TAGS = {
    *("p", "br", "hr", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li"),
    *("table", "thead", "tbody", "tr", "th", "td", "a", "sup", "span", "div"),
}
_ATTRIBUTES = {
    "a": {"href", "class", "aria-label", "aria-describedby"},
    "sup": {"class"},
    "span": {"class", "id", "role"},
    "div": {"class", "tabindex", "role", "aria-label"},
    "ol": {"start"},
    "th": {"class"},
    "td": {"class"},
}
GROWTH = 32
"""All looks at an open block of n characters go through 33 n together; who looks no more often lags a thirty-second
behind."""
_SCHEMES = ("http://", "https://", "mailto:")


@dataclass(frozen=True)
class Mark:
    """A citation at code point `at` of the text, where `[n]` begins, and where it leads."""

    at: int
    n: int
    href: str
    source: str = ""  # title and place, for the tooltip
    quote: str = ""
    id: str = ""  # of the tooltip; empty: it has none


def render_answer(text: str, marks: Sequence[Mark] = (), unsupported: Sequence[tuple[int, int]] = ()) -> str:
    """The HTML of a whole answer; `unsupported` are stretches [start, end) of `text` to underline."""
    return _render(_annotated(text, marks, unsupported), marks)


def guess_marks(text: str, numbers: AbstractSet[int], href: Callable[[int], str]) -> list[Mark]:
    """Marks wherever `[n]` stands for one of `numbers`: for text whose citations are not known yet."""
    found = ((match.start(), int(match[1])) for match in _GUESS.finditer(text))
    return [Mark(at, n, href(n)) for at, n in found if n in numbers]


class AnswerStream:
    """Text as it arrives -> blocks that will not change any more, and the open one.

    `feed` and `flush` return the HTML of blocks that have just closed; `open` is the HTML of the rest. What `feed` and
    `flush` returned, joined, is `render_answer` of the whole text. Marks are the known ones, and where none is known
    `[n]` leads to source n.

    A long list or table stays open to its end, and each look at it goes through all of it. So blocks are looked for
    only when the open one has grown by its GROWTH-th part, and `has_grown` says when `open` is worth a look again.
    """

    def __init__(
        self, numbers: AbstractSet[int] = frozenset(), href: Callable[[int], str] = "#source-{}".format
    ) -> None:
        self.numbers = numbers  # of the sources that marks may lead to; more may come while the text does
        self._href = href
        self._rest = ""
        self._done = 0  # code points before `_rest`
        self._known: list[Mark] = []  # those that stand in `_rest`
        self._searched = 0  # length of `_rest` when it was last searched for blocks
        self._shown = 0  # and when it was last rendered

    def feed(self, delta: str, known: Sequence[Mark] = ()) -> str:
        """Take the next words with the marks in them, whose places are those in the whole text."""
        self._rest += delta
        self._known += known
        if "\n" not in delta and not self._rest.endswith("\n"):
            return ""
        if not self._grown_since(self._searched):
            return ""
        self._searched = len(self._rest)
        lines = self._rest.split("\n")
        # Only whole lines decide: a line that grows can still join the block before it.
        starts = _block_starts("\n".join(lines[:-1]))
        if len(starts) < 2:
            return ""
        cut = starts[-1]
        return self._close("\n".join(lines[:cut]) + "\n")

    def flush(self) -> str:
        return self._close(self._rest)

    @property
    def open(self) -> str:
        self._shown = len(self._rest)
        return self._html(self._rest)

    @property
    def has_grown(self) -> bool:
        """Whether the open block is longer by its GROWTH-th part than when `open` was last looked at."""
        return self._grown_since(self._shown)

    def _grown_since(self, length: int) -> bool:
        return len(self._rest) - length >= len(self._rest) // GROWTH

    def _close(self, text: str) -> str:
        html = self._html(text)
        self._rest = self._rest[len(text) :]
        self._done += len(text)
        self._searched = self._shown = 0
        self._known = [mark for mark in self._known if mark.at >= self._done]
        return html

    def _html(self, text: str) -> str:
        known = [replace(mark, at=mark.at - self._done) for mark in self._known]
        places = {mark.at for mark in known}
        guessed = guess_marks(text, self.numbers, self._href)
        return render_answer(text, [*known, *(mark for mark in guessed if mark.at not in places)])


def _annotated(text: str, marks: Sequence[Mark], unsupported: Sequence[tuple[int, int]]) -> str:
    text = text.translate(_RESERVED)
    edits = [
        (_after_words(text, mark.at), mark.at + len(f"[{mark.n}]"), f"{OPEN}{mark.n}:{index}{CLOSE}")
        for index, mark in enumerate(marks)
        if text.startswith(f"[{mark.n}]", mark.at)
    ]
    for start, end in unsupported:
        line = text.rfind("\n", 0, start) + 1
        prefix = _LINE_START.match(text, line)
        start = max(start, prefix.end() if prefix else start)
        if start < end and not text.startswith("|", line):
            edits += [(start, start, WEAK), (end, end, STRONG)]
    parts, done = [], 0
    for start, end, replacement in sorted(edits, key=lambda edit: edit[0]):
        if start >= done:
            parts += [text[done:start], replacement]
            done = end
    return "".join([*parts, text[done:]])


def _after_words(text: str, at: int) -> int:
    """Where the spaces before `at` begin, so that a mark stands close to its words; `at` where there are no words."""
    start = at
    while start > 0 and text[start - 1] == " ":
        start -= 1
    prefix = _LINE_START.match(text, text.rfind("\n", 0, at) + 1)
    has_words = start > (prefix.end() if prefix else 0) and text[start - 1] not in "\r|"
    return start if has_words else at


def _restored(text: str) -> str:
    return _SENTINEL.sub(lambda match: f"[{match[1]}]" if match[1] else "", text)


def _render(annotated: str, marks: Sequence[Mark]) -> str:
    html = str(_MARKDOWN.render(annotated, {"marks": marks}))
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def _block_starts(text: str) -> list[int]:
    """The line on which each top-level block of `text` begins."""
    tokens = _BLOCKS.parse(text)
    return [token.map[0] for token in tokens if token.level == 0 and token.nesting >= 0 and token.map]


def _place_sentinels(state: StateCore) -> None:
    """Core rule: sentinels in running text become tokens; in code and inside links they become `[n]` again."""
    for token in state.tokens:
        if token.type == "inline" and token.children:
            token.children = _with_marks(token.children)
        elif token.type in ("fence", "code_block"):
            token.content, token.info = _restored(token.content), ""
        elif token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
        elif token.type in ("th_open", "td_open"):
            style = str(token.attrs.pop("style", ""))
            if style:
                token.attrs["class"] = style.removeprefix("text-align:")


def _with_marks(children: list[Token]) -> list[Token]:
    out: list[Token] = []
    in_link = 0
    for child in children:
        in_link += (child.type == "link_open") - (child.type == "link_close")
        if child.type == "text" and not in_link:
            out += _split(child)
        else:
            child.content = _restored(child.content)
            out.append(child)
    return out


def _split(token: Token) -> list[Token]:
    out, done = [], 0
    for match in _SENTINEL.finditer(token.content):
        if match.start() > done:
            out.append(Token("text", "", 0, content=token.content[done : match.start()]))
        if match[1]:
            out.append(Token("mark", "sup", 0, meta={"index": int(match[2])}))
        else:
            opens = match[0] == WEAK
            out.append(Token("weak_open" if opens else "weak_close", "span", 0))
        done = match.end()
    if done < len(token.content):
        out.append(Token("text", "", 0, content=token.content[done:]))
    return out


def _mark_html(_self: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    mark: Mark = env["marks"][tokens[index].meta["index"]]
    label = f"Source {mark.n}" + (f": {mark.source}" if mark.source else "")
    names = "mark further" if index and tokens[index - 1].type == "mark" else "mark"  # two numbers side by side
    link = f'<a class="cite" href="{escape(mark.href)}" aria-label="{escape(label)}"'
    if not mark.id:
        return f'<sup class="{names}">{link}>{mark.n}</a></sup>'
    return (
        f'<sup class="{names}">{link} aria-describedby="{escape(mark.id)}">{mark.n}</a>'
        f'<span class="tip" role="tooltip" id="{escape(mark.id)}"><span class="tip-source">{escape(mark.source)}</span>'
        f"{' ' if mark.quote else ''}{escape(mark.quote)}</span></sup>"
    )


def _image_html(self: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    alt = self.renderInlineAsText(tokens[index].children or [], options, env)
    return f'<span class="picture">[Picture: {escape(_restored(alt)) or "no description"}]</span>'


def _markdown() -> MarkdownIt:
    md = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    md.disable(["reference", "html_block", "html_inline"])  # a later definition would change an earlier block
    normalise = md.normalizeLink
    md.normalizeLink = lambda url: normalise(_restored(url))  # type: ignore[method-assign]
    md.validateLink = lambda url: url.lower().startswith(_SCHEMES)  # type: ignore[method-assign]
    md.core.ruler.push("sentinels", _place_sentinels)
    md.add_render_rule("mark", _mark_html)
    md.add_render_rule("image", _image_html)
    md.add_render_rule("weak_open", lambda *_: '<span class="weak">')
    md.add_render_rule(
        "weak_close", lambda *_: '<span class="visually-hidden"> (no source supports this sentence)</span></span>'
    )
    md.add_render_rule(
        "table_open", lambda *_: '<div class="table" tabindex="0" role="group" aria-label="Table"><table>\n'
    )
    md.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return md


_MARKDOWN = _markdown()
_BLOCKS = _markdown().disable("inline")
