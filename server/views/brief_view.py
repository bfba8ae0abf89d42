"""A document in brief as the page shows it (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.answering.brief import Brief, BriefText
from server.answering.events import Citation
from server.answering.outline import Outline
from server.views.presentation import document_href, mark, place
from server.views.render import Mark, render_answer


@dataclass(frozen=True)
class ShownText:
    """Checked sentences as HTML, and which part of the document they are of."""

    place: str
    html: str


@dataclass(frozen=True)
class ShownBrief:
    whole: str  # HTML; empty where only the parts are there
    parts: list[ShownText]
    how_much: str  # of the document was read, where that is not all
    model: str


@dataclass(frozen=True)
class Line:
    """A heading or a sentence of the document, and where it leads."""

    words: str
    place: str
    href: str
    depth: int = 1


def shown_brief(brief: Brief) -> ShownBrief:
    whole = shown_texts([brief.whole], "whole")[0].html if brief.whole.text else ""
    return ShownBrief(whole, shown_texts(brief.parts), how_much(brief.read, brief.total), brief.model)


def shown_texts(texts: Sequence[BriefText], name: str = "part") -> list[ShownText]:
    """`name` tells their tooltips from others on the page."""
    return [
        ShownText(text.place, render_answer(text.text, [_mark(cited, f"{name}-{n}") for cited in text.citations]))
        for n, text in enumerate(texts)
    ]


def _mark(cited: Citation, name: str) -> Mark:
    return mark(cited, document_href(cited.document_id, cited.start, cited.end), f"brief-{name}-{cited.at}")


def how_much(read: int, total: int) -> str:
    """What a long document was read of; empty where it was read whole."""
    if read >= total:
        return ""
    share = max(1, min(99, round(100 * read / total)))
    return f"The document is long: its {share}% that are most central were read, the rest was not."


def outline_lines(outline: Outline, document_id: int) -> list[Line]:
    return [
        Line(one.text, place(one.page, ""), document_href(document_id, one.start, one.end), one.depth)
        for one in outline.headings
    ]


def sentence_lines(quotes: Sequence[Citation]) -> list[Line]:
    return [
        Line(
            " ".join(quote.quote.split()),
            place(quote.page, quote.heading),
            document_href(quote.document_id, quote.start, quote.end),
        )
        for quote in quotes
    ]


def progress(state: str, why: str, done: int, total: int) -> str:
    """How far a brief is, in one line."""
    if state == "waiting":
        return f"Waiting. {why}"
    if not total:
        return "Reading the document"
    if done < total:
        return "Reading the document" if total == 1 else f"Reading part {done + 1} of {total}"
    return "Summarising the parts"
