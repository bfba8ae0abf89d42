"""What the templates show of turns, sources and conversations, in words for people (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np

from indexer.passages import MOST_PLACES, Passage, Place, Scope, Sentence, documents_of
from indexer.text.sentences import sentence_spans
from indexer.text.shorten import shortened
from indexer.text.terms import content_terms
from server.answering.events import Citation, Evidence, Progress, Searched
from server.answering.small_talk import translates
from server.conversations.shapes import CitationView, TurnView
from server.views.render import Mark, guess_marks, render_answer
from server.views.wording import counted

SENTENCE = 280  # characters of a card's sentence: it stands whole, unless it is one of a contract
CARD_TITLE = 30  # characters that a card shows of a title whatever stands beside it
CARD_LINE = 22  # characters of it that stand in one line where three cards stand side by side
FEWEST_SHARED = 2  # words that titles have in common before they are left out
HEADING, HEADING_LINES = 400, 8  # characters and lines of a question that stands whole above its answer
SEARCHED = 120  # characters shown of what was searched for
TIP = 240  # characters of the words beside a mark: more would cover what stands below
CLOSEST = 320  # characters of a passage shown where the documents do not answer
FILE_KINDS = (
    (("pdf",), "pdf", "PDF"),
    (("docx", "docm", "dotx", "dotm"), "word", "Word document"),
    (("xlsx", "xlsm"), "sheet", "Spreadsheet"),
    (("csv", "tsv"), "sheet", "Table"),
    (("pptx", "pptm"), "slides", "Presentation"),
    (("html", "htm", "xhtml"), "web", "Web page"),
)
"""Endings, the icon of their type, its name; any other file is a text."""
WITHHELD = "A document that you may not read any more"
WITHHELD_QUOTATIONS = "This answer was quoted from documents that you may not read any more."

_NO_VECTOR = np.zeros(0, dtype=np.float32)


def readable_part(turn: TurnView, scope: Scope) -> TurnView:
    """What the asker of `scope` may see of a turn: the turn itself where that is all of it.

    Passages from outside, other places of passages there, what is quoted beneath an answer from there, and the names of
    what was asked there, are left out. A citation of one keeps its number, and says neither document nor words. Of an
    answer that is quotations nothing stays, where one of them is from outside.
    """
    passages = (*(item.passage for item in turn.evidence), *turn.closest)
    cited = [view.citation.is_in(scope) for view in turn.citations]
    quotes = tuple(view for view in turn.quotes if view.citation.is_in(scope))
    whole = all(passage.is_in(scope) and passage.seen_by(scope) is passage for passage in passages)
    asked_of = turn.asked_of.seen_by(scope)
    if all(cited) and quotes == turn.quotes and whole and asked_of == turn.asked_of:
        return turn
    readable = replace(
        turn,
        asked_of=asked_of,
        evidence=tuple(
            replace(item, passage=item.passage.seen_by(scope)) for item in turn.evidence if item.passage.is_in(scope)
        ),
        closest=tuple(passage.seen_by(scope) for passage in turn.closest if passage.is_in(scope)),
        citations=tuple(
            view if inside else _withheld(view) for view, inside in zip(turn.citations, cited, strict=True)
        ),
        quotes=quotes,
    )
    if turn.mode == "extractive" and not all(cited):
        return replace(readable, answer=WITHHELD_QUOTATIONS, citations=(), unsupported=())
    return readable


def _withheld(view: CitationView) -> CitationView:
    return CitationView(view.id, Citation(view.citation.n, view.citation.at, 0, 0, "", WITHHELD, "", None, 0, 0, ""))


@dataclass(frozen=True)
class AlsoIn:
    """Other documents that hold words of a source: one place of each, whose path tells copies apart."""

    words: str
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Card:
    """A source as it is shown above an answer."""

    n: int
    icon: str  # of the file's type; a name in _icon.html
    kind: str  # the type in words
    title: str  # what tells it from the cards beside it
    full_title: str
    place: str  # page and section of the sentence
    snippet: str  # the sentence, or what begins with it
    href: str  # leads to the sentence
    also_in: tuple[AlsoIn, ...] = ()


def place(page: int | None, heading: str) -> str:
    """Where in a document: the page if there are pages, otherwise the last heading."""
    return f"page {page}" if page else heading.rpartition(" › ")[2]


def source_name(title: str, page: int | None, heading: str) -> str:
    where = place(page, heading)
    return f"{title}, {where}" if where and where != title else title


def document_href(document_id: int, start: int, end: int) -> str:
    return f"/documents/{document_id}?start={start}&end={end}#quote"


def card(n: int, passage: Passage, text: str, question: str = "", goes_on: int = 0) -> Card:
    """The sentence of `text` that bears most on the question, whole, or `goes_on` characters that begin with it."""
    sentence = best_sentence(passage, text, question)
    section = place(None, sentence.heading)
    where = [f"page {passage.page}" if passage.page else "", section if section != passage.title else ""]
    words = text[max(0, text.find(sentence.text)) :] if goes_on else sentence.text
    return Card(
        n,
        *file_kind(passage.document),
        passage.title,
        passage.title,
        " · ".join(part for part in where if part),
        shortened(words, goes_on or SENTENCE),
        document_href(passage.document_id, sentence.start, sentence.end),
        also_in(passage, text),
    )


def file_kind(name: str) -> tuple[str, str]:
    """The icon of a file's type, and its name."""
    ending = PurePosixPath(name).suffix.lstrip(".").lower()
    return next(((icon, words) for endings, icon, words in FILE_KINDS if ending in endings), ("text", "Text"))


def also_in(passage: Passage, shown: str) -> tuple[AlsoIn, ...]:
    """The other documents that hold all that is shown of a passage, then those that hold some of it."""
    spans = [(one.start, one.end) for one in passage.sentences if one.text in shown]
    spans = spans or [(passage.start, passage.end)]
    holding = documents_of(
        place for place in passage.also_in if any(place.of_start < end and start < place.of_end for start, end in spans)
    )
    all_of = [{place.document_id for place in passage.also_said_in(start, end)} for start, end in spans]
    whole = [place for place in holding if all(place.document_id in ids for ids in all_of)]
    partly = [place for place in holding if place not in whole]
    kinds = (("The same words", whole), ("Some of these words", partly))
    return tuple(AlsoIn(f"{words} in {_many(len(places))} more", tuple(places)) for words, places in kinds if places)


def _many(places: int) -> str:
    """No more than so many were looked for."""
    return f"at least {places}" if places >= MOST_PLACES else f"{places}"


def best_sentence(passage: Passage, text: str, question: str) -> Sentence:
    """The sentence of `text`, words of the passage, that holds most of the question's terms, with its own section.

    Of equal ones that of the section which the search found best, then the first. Where it is not known which sentences
    the passage has, the place and the section are the passage's.
    """
    sentences = [one for one in passage.sentences if one.text in text] or _sentences(passage, text)
    if len(sentences) > 1 and sentences[0].text[0].islower():  # the passage begins in the middle of a sentence
        sentences = sentences[1:]
    wanted = set(content_terms(question))
    return max(sentences, key=lambda one: (len(wanted & set(content_terms(one.text))), one.heading == passage.heading))


def _sentences(passage: Passage, text: str) -> list[Sentence]:
    """Of words without the title or heading that they begin with, which the card shows beside them."""
    for heading in (passage.title, place(None, passage.heading)):
        if heading and text.startswith(f"{heading}\n"):
            text = text.removeprefix(heading).lstrip()
    spans = sentence_spans(text) or [(0, len(text))]
    return [Sentence(passage.start, passage.end, text[a:b], _NO_VECTOR, passage.heading) for a, b in spans]


def cards(evidence: Iterable[Evidence], question: str = "") -> list[Card]:
    return distinct([card(item.number, item.passage, item.text, question) for item in evidence])


def closest(turn: TurnView) -> list[Card]:
    """Whole titles here: there is room."""
    return [
        card(n, passage, passage.text, turn.question, goes_on=CLOSEST) for n, passage in enumerate(turn.closest[:3], 1)
    ]


def distinct(found: Sequence[Card]) -> list[Card]:
    """The cards, each long title without the words that the title of another card begins with too."""
    titles = {one.full_title for one in found}
    return [replace(one, title=_ending(one.full_title, titles - {one.full_title})) for one in found]


def _ending(title: str, others: Iterable[str]) -> str:
    own = title.split()
    shared = max((_shared(own, other.split()) for other in others), default=0)
    shared = min(shared, len(own) - 1)
    if shared < FEWEST_SHARED or len(title) <= CARD_TITLE:
        return title
    while len(" ".join(own[shared - 1 :])) <= CARD_LINE:  # the title as a whole is longer
        shared -= 1
    return f"… {' '.join(own[shared:])}"


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words both begin with."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def source_anchor(turn_id: int, n: int) -> str:
    return f"#source-{turn_id}-{n}"


def marks(turn: TurnView) -> list[Mark]:
    """The marks of a turn's answer; those of an answer that was cut short lead to its sources above."""
    if not turn.citations and turn.state != "done":
        numbers = {item.number for item in turn.evidence}
        return guess_marks(turn.answer, numbers, lambda n: source_anchor(turn.id, n))
    found = [mark(view.citation, f"/citations/{view.id}#quote", f"quote-{view.id}") for view in turn.citations]
    if turn.mode == "extractive":  # the words stand before the mark: beside it only where they come from
        return [replace(one, quote="") for one in found]
    return found


def mark(citation: Citation, href: str, tip: str) -> Mark:
    name = source_name(citation.title, citation.page, citation.heading)
    return Mark(citation.at, citation.n, href, name, shortened(citation.quote, TIP), tip if citation.quote else "")


def streamed_mark(turn_id: int, citation: Citation) -> Mark:
    """The mark of a running answer: its citation has no address of its own yet, the words have."""
    href = document_href(citation.document_id, citation.start, citation.end)
    return mark(citation, href, f"quote-{turn_id}-{citation.at}")


def answer_html(turn: TurnView) -> str:
    doubted = () if translates(turn.question) else tuple((doubt.start, doubt.end) for doubt in turn.unsupported)
    return render_answer(turn.answer, marks(turn), doubted)


def heading(question: str) -> str:
    """The question as it stands above its answer: whole, or of a pasted text the beginning."""
    whole = len(question) <= HEADING and question.count("\n") < HEADING_LINES
    return question if whole else shortened(question, HEADING // 2)


def searched_for(searched: Searched, question: str) -> str:
    """What was searched for, in one line; empty where it was the question as it stands above."""
    with_it = f"“{shortened(searched.together_with, SEARCHED)}”" if searched.together_with else ""
    if not searched.words:
        return f"Searched together with {with_it}" if with_it else ""
    words = _from_first_difference(searched.words, question)
    return f"Searched for: {words}, together with {with_it}" if with_it else f"Searched for: {words}"


def is_mended(searched: Searched, question: str) -> bool:
    """Whether other words were searched for than the question's own, and not only fewer of them."""
    return bool(searched.words) and not question.startswith(searched.words)


def _from_first_difference(searched: str, question: str) -> str:
    """At most SEARCHED characters, among them the first word that the question does not have."""
    words = searched.split()
    line = " ".join(words)
    if len(line) <= SEARCHED:
        return line
    if question.startswith(searched) and len(question) - len(searched) > 1:  # cut; mending takes one letter at most
        return f"the first {len(searched):,} characters"
    begin = max(0, _shared(words, question.split()) - 3)
    return f"{'… ' * bool(begin)}{shortened(' '.join(words[begin:]), SEARCHED)}"


WAITING = "Waiting for the language model"


def waiting_for(progress: Progress, passages: int) -> str:
    """What the asker waits for, in one line."""
    match progress.stage:
        case "searching":
            return "Searching the documents"
        case "loading":
            return progress.detail or "The language model is loading"
        case "queued":
            ahead = progress.done
            if ahead <= 0:
                return f"{WAITING}: yours is next"
            return f"{WAITING}: {ahead} {'question is' if ahead == 1 else 'questions are'} ahead of yours"
        case "reading":
            what = f"Reading {counted(passages, 'passage')}" if passages else "Reading"
            return f"{what}, {100 * progress.done // progress.total}%" if progress.total else what
        case "writing":
            return "Writing"
