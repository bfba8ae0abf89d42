"""Tables of chat.db: conversations, their turns, the citations of each answer and what people thought of it.

A conversation has an owner; whoever asks for a row without being its owner gets nothing. Evidence and citations are
copies, so that an old answer stays readable after its documents have changed or gone.
"""

import uuid
from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from indexer.knowledge.tables import now


class Conversation(SQLModel, table=True):
    """A row of questions by one owner."""

    __table_args__ = (Index("ix_conversation_list", "owner", "deleted_at", "updated_at"),)

    id: str = Field(default_factory=lambda: uuid.uuid4().hex, primary_key=True)
    owner: str
    title: str
    created_at: datetime = Field(default_factory=now)
    updated_at: datetime = Field(default_factory=now)
    asked_of: str = ""  # JSON: what was asked last, see asked_of.py; empty for everything
    deleted_at: datetime | None = None  # gone for everyone, until it is restored or purged


class Turn(SQLModel, table=True):
    """A question and what was made of it. `parent_id` is the turn before it in its branch.

    A turn has some 20 kB, most of it evidence, so what is read of many turns at once stands in an index as well: the
    tree of a conversation, the words that a search looks through, and which turns run.
    """

    __table_args__ = (
        Index("ix_turn_tree", "conversation_id", "parent_id"),
        Index("ix_turn_words", "conversation_id", "question", "answer"),
        Index("ix_turn_running", "state", "conversation_id", sqlite_where=text("state = 'running'")),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id", ondelete="CASCADE")
    parent_id: int | None = Field(default=None, foreign_key="turn.id", index=True, ondelete="CASCADE")
    question: str
    asked_of: str = ""  # JSON, see asked_of.py; empty for everything
    searched: str = ""  # what was searched for instead of the question
    searched_with: str = ""  # the questions before it, newest first, where they were searched for too
    state: str = "running"
    mode: str = "model"  # model | extractive
    answered: bool = True
    answer: str = ""  # Markdown with checked marks [n]
    raw: str = ""  # as the model wrote it
    error: str = ""  # for people: what happened and what to do
    evidence: str = "[]"  # JSON, see evidence_json.py
    closest: str = "[]"  # JSON
    unsupported: str = "[]"  # JSON list of [start, end, reason], code points of `answer`
    reason: str = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    retrieve_ms: int = 0
    first_token_ms: int = 0
    total_ms: int = 0
    created_at: datetime = Field(default_factory=now)


class StoredCitation(SQLModel, table=True):
    """A citation of a turn's answer, or words quoted beneath it, with a copy of them."""

    __tablename__ = "citation"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int | None = Field(default=None, primary_key=True)
    turn_id: int = Field(foreign_key="turn.id", index=True, ondelete="CASCADE")
    position: int  # in the answer, from 0
    n: int
    at: int  # code point of the answer, or events.BENEATH
    document_id: int
    collection_id: int
    document: str
    title: str
    heading: str
    page: int | None = None
    start: int
    end: int
    quote: str
    root: str = ""  # as documents have it; empty for citations from before it was kept


class Feedback(SQLModel, table=True):
    """What the owner of a turn thought of its answer; one for each turn."""

    turn_id: int = Field(primary_key=True, foreign_key="turn.id", ondelete="CASCADE")
    value: int  # 1 good, -1 bad
    remark: str = ""
    updated_at: datetime = Field(default_factory=now)
