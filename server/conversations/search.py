"""Which conversations hold the words of a search, and where: inside a session that others open."""

from collections.abc import Sequence
from string import ascii_lowercase, ascii_uppercase

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy import select as columns
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select

from server.answering.events import BENEATH
from server.conversations.rows import citation_view
from server.conversations.shapes import FoundTurn
from server.conversations.tables import Conversation, StoredCitation, Turn

SEARCH_WORDS = 8  # the rest of a search is not looked at
ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def searched_words(search: str) -> list[str]:
    return search.split()[:SEARCH_WORDS]


def holds(word: str) -> ColumnElement[bool]:
    """Whether a conversation holds a word."""
    of_it = col(Turn.conversation_id) == col(Conversation.id)
    return or_(_among(word, col(Conversation.title)), select(Turn.id).where(of_it, _says(word)).exists())


def found_turns(session: Session, conversations: Sequence[str], search: str) -> dict[str, FoundTurn]:
    """By conversation the first turn that holds any word of a search."""
    words = searched_words(search)
    if not words or not conversations:
        return {}
    of_these = col(Turn.conversation_id).in_(conversations)
    first = select(func.min(Turn.id)).where(of_these, or_(*map(_says, words))).group_by(col(Turn.conversation_id))
    chosen = columns(col(Turn.id), col(Turn.conversation_id), col(Turn.question), col(Turn.answer), col(Turn.mode))
    rows = session.connection().execute(chosen.where(col(Turn.id).in_(first))).all()
    quoted = [id_ for id_, _, _, _, mode in rows if mode == "extractive"]
    marks = (col(StoredCitation.turn_id).in_(quoted), col(StoredCitation.at) != BENEATH)
    cited: dict[int, list[StoredCitation]] = {}
    for citation in session.exec(select(StoredCitation).where(*marks)):
        cited.setdefault(citation.turn_id, []).append(citation)
    return {
        conversation: FoundTurn(
            id_, question, answer, mode, tuple(citation_view(row).citation for row in cited.get(id_, ()))
        )
        for id_, conversation, question, answer, mode in rows
        if id_ is not None
    }


def _says(word: str) -> ColumnElement[bool]:
    return _among(word, col(Turn.question), col(Turn.answer))


def _among(word: str, *columns: Mapped[str]) -> ColumnElement[bool]:
    """SQLite folds the case of ASCII alone, so others are tried in each case."""
    cases = (word, word.lower(), word.upper(), word.capitalize())
    forms = sorted({case.translate(ASCII_LOWER) for case in cases})
    return or_(*(column.contains(form, autoescape=True) for form in forms for column in columns))
