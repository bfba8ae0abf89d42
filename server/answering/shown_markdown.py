"""Sentences kept, waiting and dropped, to Markdown that stays whole (pure).

What claims nothing waits until a sentence is kept: a heading, a table's header, the line that leads in to a list,
"Yes.". Where a sentence is dropped, what was said for its sake alone goes with it, the rest of its line keeps the
line's beginning, and what stood under a dropped item moves up to its place.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from server.answering.markdown_lines import heading_level, is_item, is_row, is_rule, leads_in
from server.answering.sentence_scanner import ClosedSentence

_MANY_LINES = re.compile(r"\n{3,}")
_LETTER = re.compile(r"[^\W_]")

Kind = Literal["blank", "heading", "header", "lead_in", "words"]


@dataclass
class _Waiting:
    text: str
    kind: Kind
    level: int = 0  # of a heading
    bereft: bool = False  # something that it stands over was dropped, and nothing under it is kept


class ShownMarkdown:
    """One answer: what of it waits, and how its open line stands. Give it every sentence once, in order."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._markers: str | None = None  # with which this line begins, once its first sentence is there
        self._begun = self._kept = self._dropped = False  # of this line: some waits or is kept; is kept; is dropped
        self._gap = False  # something was dropped since the last sentence that is kept
        self._parent = ""  # the markers of a dropped item under which this line may stand
        self._after_dropped = False  # all of the line before this one was dropped

    def place(self, sentence: ClosedSentence) -> ClosedSentence:
        """The sentence as it stands on its line, which begins as the line did, whatever of it was dropped."""
        text = sentence.text
        self._open_line(sentence)
        if sentence.markers is not None:
            text = f"{self._markers or ''}{text[len(sentence.markers) :]}"
        elif text.strip() and not self._begun:
            text = f"{self._markers or ''}{text.lstrip()}"
        moved = len(text) - len(sentence.text)
        return replace(sentence, text=text, marks_at=max(0, sentence.marks_at + moved))

    def wait(self, sentence: ClosedSentence) -> None:
        """Hold a sentence back that claims nothing, as `place` returned it, until one is kept."""
        kind = _kind(sentence)
        if kind == "words" and self._after_dropped and is_rule(sentence.text):
            self.drop(sentence)  # it made a heading of the line before it
            return
        level = heading_level(sentence.text) if kind == "heading" else 0
        if kind == "heading":
            self._end_sections(level)
        if kind == "header" and _LETTER.search(sentence.text):  # of another table
            self._waiting = [one for one in self._waiting if one.kind != "header" or not one.bereft]
        self._begun = self._begun or kind != "blank"
        self._waiting.append(_Waiting(sentence.text, kind, level))

    def release(self, sentence: ClosedSentence | None) -> str:
        """What waited and stands before a sentence that is kept, as `place` returned it; None: before code."""
        row = sentence is not None and is_row(sentence.text)
        item = sentence is not None and is_item(self._markers or "")
        fits = {"heading": True, "header": row, "lead_in": row or item}
        text = "".join(one.text for one in self._waiting if not one.bereft or fits.get(one.kind))
        if self._gap:
            text = _MANY_LINES.sub("\n\n", text)
        self._waiting, self._gap = [], False
        self._begun = self._kept = True
        return text

    def drop(self, sentence: ClosedSentence | None) -> None:
        """Leave a sentence out, or code; with it goes what waits on its line: the "Yes." before it was about it."""
        if sentence is not None:
            self._open_line(sentence)
        while self._waiting and self._waiting[-1].text != "\n":
            self._waiting.pop()
        self._waiting = [one for one in self._waiting if one.kind != "words"]
        for one in self._waiting:
            one.bereft = one.kind != "blank"
        self._begun, self._dropped, self._gap = self._kept, True, True

    def end_line(self) -> None:
        """The end of a line of which all was dropped is dropped with it: a list or a table goes on."""
        self._after_dropped = self._dropped and not self._begun
        if not self._after_dropped:
            self._waiting.append(_Waiting("\n", "blank"))
        elif self._markers and is_item(self._markers):
            self._parent = self._markers
        self._markers = None
        self._begun = self._kept = self._dropped = False

    def _open_line(self, sentence: ClosedSentence) -> None:
        if self._markers is None and sentence.markers is not None:
            self._markers = self._moved_up(sentence.markers) if sentence.text.strip() else sentence.markers

    def _moved_up(self, markers: str) -> str:
        """How a line begins that perhaps stood under a dropped item: as an item of that one's list."""
        if not self._parent:
            return markers
        parent = self._parent
        if _indentation(markers) > _indentation(parent):
            if is_item(markers):
                return parent[: len(parent) - len(parent.lstrip())] + markers.lstrip()
            markers = parent
        self._parent = ""
        return markers

    def _end_sections(self, level: int) -> None:
        """A heading of this level ends those under which nothing is left."""
        self._waiting = [
            one for one in self._waiting if not one.bereft or (one.kind == "heading" and one.level < level)
        ]


def _kind(sentence: ClosedSentence) -> Kind:
    if not sentence.text.strip():
        return "blank"
    if sentence.markers is not None and heading_level(sentence.text):
        return "heading"
    if is_row(sentence.text) and not sentence.claim:
        return "header"
    return "lead_in" if leads_in(sentence.text) else "words"


def _indentation(markers: str) -> int:
    return len(markers.expandtabs(4)) - len(markers.expandtabs(4).lstrip())
