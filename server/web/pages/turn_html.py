"""A turn as HTML, finished or as it happens: the same templates for the page, the fragment and the stream."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi.sse import ServerSentEvent

from indexer.passages import Scope
from server.answering.events import Evidence, Meanwhile, Progress, Searched, Sources, Text
from server.answering.other_language import beside_an_answer
from server.answering.small_talk import translates
from server.conversations.shapes import TurnView
from server.conversations.turns import Batch, Ended
from server.runtime.rendered_answers import RenderedAnswers
from server.views.choosing import asked_of_words
from server.views.notes import (
    Note,
    Quotation,
    copy_text,
    footnotes,
    is_repeated,
    meanwhile_quotation,
    quotations,
)
from server.views.presentation import (
    WAITING,
    Card,
    answer_html,
    cards,
    closest,
    heading,
    is_mended,
    readable_part,
    searched_for,
    source_anchor,
    streamed_mark,
    waiting_for,
)
from server.views.render import AnswerStream
from server.views.wording import duration
from server.web.templating import fragment

LAG_SECONDS = 1.0
"""Words are shown this long after they came, at the latest: the price is one rendering of the open block a second."""

BEFORE_THE_MODEL = ("", "searching", "loading")


@dataclass(frozen=True)
class ShownTurn:
    """A turn in the words and HTML that _turn.html shows of it."""

    turn: TurnView
    heading: str
    asked_of: str  # "in Leave.md": what was asked, where it was not everything
    sources: list[Card]
    html: str
    searched: str
    mended: bool  # other words were searched for than the question's own
    language: str  # what is said of a question in another language than its sources
    translated: bool
    closest: list[Card]
    quotes: list[Quotation]  # beneath the answer
    folded: bool  # they say what the answer says in nearly the same words
    notes: list[Note]
    copied: str  # what Copy gives
    took: str
    has_model: bool  # one is in use now, whatever wrote this answer
    dropped: bool  # what the model wrote, for want of support: the answer is quotations instead
    editing: bool  # with the field in which its question can be changed


def shown_turn(
    whole: TurnView, scope: Scope, answers: RenderedAnswers, *, has_model: bool, editing: bool = False
) -> ShownTurn:
    """What the asker of `scope` may see of a turn. Renders Markdown: call it from a thread."""
    turn = readable_part(whole, scope)
    return ShownTurn(
        turn=turn,
        heading=heading(turn.question),
        asked_of=asked_of_words(turn.asked_of),
        sources=cards(turn.evidence, turn.question),
        html=answers.html(turn, answer_html) if turn is whole else answer_html(turn),
        searched=searched_for(turn.searched, turn.question),
        mended=is_mended(turn.searched, turn.question),
        language=_language(turn.question, turn.evidence),
        translated=translates(turn.question),
        closest=closest(turn),
        quotes=quotations(turn),
        folded=is_repeated(turn),
        notes=footnotes(turn),
        copied=copy_text(turn),
        took=duration(turn.total_ms) if turn.total_ms else "",
        has_model=has_model,
        dropped=turn.mode == "extractive" and turn.completion_tokens > 0,
        editing=editing,
    )


def _language(question: str, evidence: Sequence[Evidence]) -> str:
    return beside_an_answer(question, (item.text for item in evidence)) if evidence else ""


class TurnStream:
    """The events of a running turn -> messages for the page.

    `tail` is the open block (an event named `open` is the browser's own). All messages replace what they stand for,
    except `block`, which appends, and empties the open block so that no words stand twice until the next `tail`. Its id
    is the event up to which blocks were sent, and a page that comes back names the last id it saw. A page that comes
    without one gets `restart` first. A long open block is sent once it has grown by enough, once a second
    while words come, and when the turn ends; in a pause the caller asks for what is unsent, the `rest`.
    """

    def __init__(
        self, turn: TurnView, seen: int, clock: Callable[[], float] = time.monotonic, *, has_model: bool = True
    ) -> None:
        self._turn = turn
        self._has_model = has_model
        self._clock = clock
        self._shown_at = clock()
        self._last = seen
        self._seen = seen  # events whose blocks the page already has
        self._passages = 0
        self._text = AnswerStream(href=lambda n: source_anchor(turn.id, n))
        self._status = ""
        self._stage = ""  # of the last Progress
        self._behind = False  # words came that no `tail` has shown

    def begin(self) -> Iterator[ServerSentEvent]:
        if not self._seen:
            yield _message("restart", "_restart.html", turn=self._turn)

    def messages(self, batch: Batch) -> Iterator[ServerSentEvent]:
        """The messages of a batch; an `Ended` in it is left to the caller, who has the saved turn."""
        self._last = batch[-1][0]
        status, blocks, wrote = "", "", False
        for id_, event in batch:
            if isinstance(event, Sources):
                numbers = {item.number for item in event.evidence}
                self._passages = len(numbers)
                self._text.numbers = numbers
                question = self._turn.question
                shown = {"sources": cards(event.evidence, question), "language": _language(question, event.evidence)}
                yield _message("sources", "_sources.html", turn=self._turn, **shown)
                if numbers and self._has_model and self._stage in BEFORE_THE_MODEL:
                    status = WAITING  # until the model says how many questions are before this one
            elif isinstance(event, Searched):
                words = searched_for(event, self._turn.question)
                mended = is_mended(event, self._turn.question)
                yield _message("searched", "_searched.html", turn=self._turn, searched=words, mended=mended)
            elif isinstance(event, Meanwhile):
                yield _message("meanwhile", "_meanwhile.html", quote=meanwhile_quotation(event.quote))
            elif isinstance(event, Progress):
                self._stage = event.stage
                status = waiting_for(event, self._passages)
            elif isinstance(event, Text):
                self._stage, status, wrote = "writing", "Writing", True
                known = [streamed_mark(self._turn.id, citation) for citation in event.citations]
                block = self._text.feed(event.delta, known)
                blocks += block if id_ > self._seen else ""
        if status and status != self._status:
            self._status = status
            yield _message("status", "_status.html", words=status)
        if blocks:
            yield ServerSentEvent(event="block", raw_data=blocks + closing(self._turn.id), id=str(self._last))
        self._behind = self._behind or wrote
        if blocks or self._text.has_grown or self._is_late or isinstance(batch[-1][1], Ended):
            yield from self.rest()

    def rest(self) -> Iterator[ServerSentEvent]:
        """The open block, where words came that the page does not show."""
        if self._behind:
            self._behind = False
            self._shown_at = self._clock()
            yield ServerSentEvent(event="tail", raw_data=self._text.open, id=str(self._last))

    @property
    def _is_late(self) -> bool:
        return self._clock() - self._shown_at >= LAG_SECONDS


def finished(turn: ShownTurn) -> ServerSentEvent:
    """The finished turn, which takes the place of the running one."""
    return _message("end", "_ended.html", item=turn)


def closing(turn_id: int) -> str:
    """What empties the open block in the moment in which its words become closed ones."""
    return f'<div id="open-{turn_id}" hx-swap-oob="innerHTML"></div>'


def _message(event: str, template: str, **context: Any) -> ServerSentEvent:
    return ServerSentEvent(event=event, raw_data=fragment(template, **context))
