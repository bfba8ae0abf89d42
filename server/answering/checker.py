"""What checks an answer while a model writes it, as the one who writes knows it (pure).

CitationChecker (citations.py)     an answer that rests on passages
Unchecked                          one that rests on none
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from server.answering.events import Citation, Doubt, Evidence, Reason

DropReason = Reason | Literal["repeated", "said_back", "knows_not", "name", "agrees", "order", "lost", "cut"]
"""Why a sentence is not shown: a doubt, or that it was said before, is the question, says that the passages do not say,
has a number or name that stands in nothing it would cite, says yes to what no passage has, carries out an order that
stands in a document, comes after too many that had to go, or is the half that was written when the answer ended."""


@dataclass(frozen=True)
class Dropped:
    """A sentence of the model's, or code, that nobody is shown: code points [start, end) of all that it wrote."""

    claim: str
    reason: DropReason
    start: int
    end: int


@dataclass
class CheckedText:
    """Words that may be shown now, and the citations whose marks are among them."""

    delta: str = ""
    citations: list[Citation] = field(default_factory=list)


class Checker(Protocol):
    """One answer on its way from the model to the reader."""

    citations: list[Citation]
    """Those whose marks stand in `text`, in order."""
    unsupported: list[Doubt]
    """The sentences of `text` that should not be relied on, in order."""
    cited_again: list[Evidence]
    """Passages of earlier turns that `citations` lead to, with their numbers in this answer, in order."""
    dropped: list[Dropped]
    """What the model claimed and nobody is shown, in order."""
    judged: int
    """How many code points of what the model wrote are handed out, dropped or waiting; more are in an open sentence."""

    @property
    def text(self) -> str:
        """All that was handed out so far; citations and doubts speak of its code points."""

    def feed(self, delta: str) -> CheckedText:
        """Take the model's next words; returns what may be shown."""

    @property
    def is_over(self) -> bool:
        """Whether the model has lost its way: what it writes from here on is not worth waiting for."""

    def flush(self, *, cut: bool = False) -> CheckedText:
        """The end of the answer; returns the rest of it. `cut`: the model had not come to an end."""


class Unchecked:
    """The checker of an answer that rests on no passages: it passes all words on as they are."""

    def __init__(self) -> None:
        self.citations: list[Citation] = []
        self.unsupported: list[Doubt] = []
        self.cited_again: list[Evidence] = []
        self.dropped: list[Dropped] = []
        self.judged = 0
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def feed(self, delta: str) -> CheckedText:
        self._parts.append(delta)
        self.judged += len(delta)
        return CheckedText(delta)

    @property
    def is_over(self) -> bool:
        return False

    def flush(self, *, cut: bool = False) -> CheckedText:
        return CheckedText()
