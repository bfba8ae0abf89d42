"""What chat.db holds, as pages and answers see it: plain dataclasses, no database."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from indexer.passages import Passage
from server.answering.events import BENEATH, Answer, Citation, Doubt, Evidence, Searched
from server.conversations.asked_of import EVERYTHING, AskedOf

TurnState = Literal["running", "done", "stopped", "failed"]


@dataclass(frozen=True)
class ConversationLine:
    """One line of the list of conversations."""

    id: str
    title: str
    updated_at: datetime


@dataclass(frozen=True)
class FoundTurn:
    """A turn that holds words of a search in the conversations."""

    id: int
    question: str
    answer: str
    mode: str
    citations: tuple[Citation, ...]  # of an answer that is quotations, whose words are shown to who may read them


@dataclass(frozen=True)
class CitationView:
    """A citation as it is shown and opened, or words quoted beneath an answer; `id` is its address."""

    id: int
    citation: Citation


@dataclass(frozen=True)
class TurnView:
    """A turn with everything that a page shows of it."""

    id: int
    conversation_id: str
    question: str
    state: TurnState
    mode: str = "model"
    answered: bool = True
    answer: str = ""
    error: str = ""
    evidence: tuple[Evidence, ...] = ()
    closest: tuple[Passage, ...] = ()
    citations: tuple[CitationView, ...] = ()
    quotes: tuple[CitationView, ...] = ()  # beneath the answer
    unsupported: tuple[Doubt, ...] = ()
    reason: str = "stop"
    completion_tokens: int = 0
    total_ms: int = 0
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    searched: Searched = field(default_factory=Searched)
    feedback: int = 0
    remark: str = ""
    asked_of: AskedOf = EVERYTHING
    versions: tuple[int, ...] = ()  # the turns in its place, itself among them, oldest first
    unsaved: bool = False  # the disk refused how it ended: only memory knows


@dataclass(frozen=True)
class Outcome:
    """How a turn ended: with an answer, or with the words written before it was stopped or failed."""

    state: TurnState
    text: str = ""
    error: str = ""
    evidence: tuple[Evidence, ...] = ()
    answer: Answer | None = None
    searched: Searched = field(default_factory=Searched)
    meanwhile: Citation | None = None  # the documents' own words, which stay where the model wrote nothing


@dataclass(frozen=True)
class CitationPlace:
    """A citation that was opened, with the ids of its neighbours in the same answer: of its marks, or beneath it."""

    view: CitationView
    number: int  # from 1
    total: int
    previous: int | None
    next: int | None

    @property
    def beneath(self) -> bool:
        """Whether it is quoted beneath the answer."""
        return self.view.citation.at == BENEATH
