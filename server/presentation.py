"""What the templates show of turns, sources and conversations, in words for people (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from indexer.models import Passage
from server.conversations import ConversationLine, TurnView, shortened
from server.events import Evidence, Progress
from server.render import Mark, guess_marks, render_answer

SHOWN = 5  # source cards; the rest stands behind "and 3 more"
SNIPPET = 150  # characters of a card's text
CLOSEST = 320  # characters of a passage shown where the documents do not answer


@dataclass(frozen=True)
class Card:
    """A source as it is shown above an answer."""

    n: int
    kind: str  # the file's type: pdf, md, docx
    title: str
    place: str
    snippet: str
    href: str


def place(page: int | None, heading: str) -> str:
    """Where in a document: the page if there are pages, otherwise the last heading."""
    return f"page {page}" if page else heading.rpartition(" › ")[2]


def source_name(title: str, page: int | None, heading: str) -> str:
    where = place(page, heading)
    return f"{title}, {where}" if where and where != title else title


def document_href(document_id: int, start: int, end: int) -> str:
    return f"/documents/{document_id}?start={start}&end={end}#quote"


def card(n: int, passage: Passage, text: str, length: int = SNIPPET) -> Card:
    where = place(passage.page, passage.heading)
    return Card(
        n,
        PurePosixPath(passage.document).suffix.lstrip(".").lower()[:5] or "text",
        passage.title,
        where if where != passage.title else "",
        shortened(_without_heading(text, passage), length),
        document_href(passage.document_id, passage.start, passage.end),
    )


def _without_heading(text: str, passage: Passage) -> str:
    """The text without the title or heading it begins with, which the card already shows."""
    for heading in (passage.title, place(None, passage.heading)):
        if heading and text.startswith(f"{heading}\n"):
            text = text.removeprefix(heading).lstrip()
    return text


def cards(evidence: Iterable[Evidence]) -> list[Card]:
    return [card(item.n, item.passage, item.text) for item in evidence]


def closest(turn: TurnView) -> list[Card]:
    return [card(n, passage, passage.text, CLOSEST) for n, passage in enumerate(turn.closest[:3], start=1)]


def source_anchor(turn_id: int, n: int) -> str:
    return f"#source-{turn_id}-{n}"


def marks(turn: TurnView) -> list[Mark]:
    """The marks of a turn's answer; those of an answer that was cut short lead to its sources above."""
    if not turn.citations and turn.state != "done":
        numbers = {item.n for item in turn.evidence}
        return guess_marks(turn.answer, numbers, lambda n: source_anchor(turn.id, n))
    return [
        Mark(
            view.citation.at,
            view.citation.n,
            f"/citations/{view.id}#quote",
            source_name(view.citation.title, view.citation.page, view.citation.heading),
            shortened(view.citation.quote, 500),
            f"quote-{view.id}",
        )
        for view in turn.citations
    ]


def answer_html(turn: TurnView) -> str:
    return render_answer(turn.answer, marks(turn), turn.unsupported)


def footnotes(turn: TurnView) -> list[tuple[int, str, str]]:
    """(number, source, quoted words) of each citation once: for print and for copying."""
    seen: dict[tuple[int, str], tuple[int, str, str]] = {}
    for view in turn.citations:
        item = view.citation
        name = source_name(item.title, item.page, item.heading)
        seen.setdefault((item.n, item.quote), (item.n, name, item.quote))
    return sorted(seen.values(), key=lambda note: note[0])


def copy_text(turn: TurnView) -> str:
    """The answer with its sources as footnotes, in Markdown."""
    notes = [f"[{n}] {name}: “{' '.join(quote.split())}”" for n, name, quote in footnotes(turn)]
    return "\n".join([turn.answer.rstrip(), "", *notes]).rstrip() + "\n"


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
                return "Next in line"
            return f"{ahead} {'question is' if ahead == 1 else 'questions are'} ahead of yours"
        case "reading":
            what = f"Reading {counted(passages, 'passage')}" if passages else "Reading"
            return f"{what}, {100 * progress.done // progress.total}%" if progress.total else what
        case "writing":
            return "Writing"


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(milliseconds: int) -> str:
    seconds = milliseconds / 1000
    if seconds < 1:
        return "under a second"
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def ago(then: datetime, now: datetime) -> str:
    minutes = int((_aware(now) - _aware(then)).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{counted(minutes, 'minute')} ago"
    if minutes < 24 * 60:
        return f"{counted(minutes // 60, 'hour')} ago"
    return f"{counted(minutes // (24 * 60), 'day')} ago"


def by_day(lines: Sequence[ConversationLine], now: datetime) -> list[tuple[str, list[ConversationLine]]]:
    """Conversations under the day they were last used, newest first, in the server's time zone."""
    today = _aware(now).astimezone().date()
    groups: dict[str, list[ConversationLine]] = {}
    for line in lines:
        day = _aware(line.updated_at).astimezone().date()
        if day >= today:
            name = "Today"
        elif day == today - timedelta(days=1):
            name = "Yesterday"
        elif day > today - timedelta(days=7):
            name = "Last 7 days"
        else:
            name = f"{day:%B %Y}"
        groups.setdefault(name, []).append(line)
    return list(groups.items())


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
