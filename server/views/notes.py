"""What an answer rests on, in words: quotations beneath it, footnotes, and the text that Copy gives (pure).

A small model writes few words and drops facts that its sources hold. So the sentences of the documents that a written
answer rests on stand beneath it, folded away where they say nothing that the answer does not say in the same words.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from indexer.text.shorten import shortened
from server.answering.events import Citation
from server.answering.extractive import as_markdown
from server.answering.quotes import adds_nothing
from server.conversations.shapes import TurnView
from server.views.presentation import Card, closest, document_href, source_name

BENEATH_WORDS = "The documents’ words"
LONGEST = 1000  # characters of a quotation; the source that it opens has the rest


@dataclass(frozen=True)
class Quotation:
    """Words of a document beneath a written answer, and the address at which they are shown."""

    href: str
    n: int
    words: str
    source: str


@dataclass(frozen=True)
class Note:
    """A footnote: the source with this number, and its words where they may be read and are not quoted elsewhere."""

    n: int
    source: str
    document: str
    words: str


def quotations(turn: TurnView) -> list[Quotation]:
    return [
        Quotation(
            f"/citations/{view.id}#quote",
            view.citation.n,
            shortened(view.citation.quote, LONGEST),
            _source(view.citation),
        )
        for view in turn.quotes
    ]


def meanwhile_quotation(quote: Citation) -> Quotation:
    """What is read while a model reads. It has no address of its own: the page shows its words in their document."""
    href = document_href(quote.document_id, quote.start, quote.end)
    return Quotation(href, quote.n, shortened(quote.quote, LONGEST), _source(quote))


def is_repeated(turn: TurnView) -> bool:
    """Whether what is quoted beneath an answer says nothing that the answer does not say in nearly the same words."""
    if not turn.quotes:
        return True
    return all(adds_nothing(view.citation.quote, turn.answer) for view in turn.quotes)


def footnotes(turn: TurnView) -> list[Note]:
    """Each source with its quoted words once, by number. Words that stand open beneath the answer are not repeated."""
    quotes = [view.citation for view in turn.quotes]
    shown = [] if is_repeated(turn) else quotes
    found: dict[tuple[int, str], Note] = {}
    for item in (*(view.citation for view in turn.citations), *quotes):
        words = "" if any(_holds(quote, item) for quote in shown) else item.quote
        found.setdefault((item.n, words), Note(item.n, _source(item), item.document, words))
    worded = {n for n, words in found if words}
    kept = (note for (n, words), note in found.items() if words or n not in worded)
    return sorted(kept, key=lambda note: note.n)


def _holds(quote: Citation, item: Citation) -> bool:
    """Whether the words of `item` stand in `quote`."""
    return quote.document_id == item.document_id and quote.start <= item.start and item.end <= quote.end


def footnote(name: str, words: str) -> str:
    """A footnote in one line: the source, and its words where they may be read."""
    return f"{name}: “{' '.join(words.split())}”" if words else name


def quoted_beneath(turn: TurnView, mark: str) -> list[str]:
    """Paragraphs of Markdown: what stands open beneath an answer. `mark` makes a footnote's mark of its number."""
    if is_repeated(turn):
        return []
    return [f"{BENEATH_WORDS}:", *(f"> {as_markdown(q.words)} {mark.format(q.n)}" for q in quotations(turn))]


def closest_passages(turn: TurnView) -> list[str]:
    """Paragraphs of Markdown: what the page shows where the documents do not answer."""
    found = [] if turn.answered else closest(turn)
    if not found:
        return []
    return ["Closest passages:", *(f"> {as_markdown(one.snippet)} ({_name(one)})" for one in found)]


def _name(one: Card) -> str:
    return ", ".join(_filled([one.full_title, one.place]))


def copy_text(turn: TurnView) -> str:
    """The answer, what is quoted beneath it or came closest, and its sources as footnotes, in Markdown."""
    notes = [f"[{note.n}] {footnote(note.source, note.words)}" for note in footnotes(turn)]
    beneath = [*quoted_beneath(turn, "[{}]"), *closest_passages(turn)]
    return "\n\n".join(_filled([turn.answer.rstrip(), *beneath, "\n".join(notes)])) + "\n"


def _filled(parts: Iterable[str]) -> list[str]:
    return [part for part in parts if part]


def _source(item: Citation) -> str:
    return source_name(item.title, item.page, item.heading)
