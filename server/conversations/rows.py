"""A turn's rows in chat.db to what pages show of it, and an answer to rows: inside a session that others open."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, replace
from typing import TypeVar, cast

from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from server.answering.events import BENEATH, Answer, Citation, Doubt, Searched
from server.conversations.asked_of import asked_of_from_json
from server.conversations.branches import versions
from server.conversations.evidence_json import (
    evidence_from_json,
    evidence_to_json,
    passages_from_json,
    passages_to_json,
)
from server.conversations.shapes import CitationView, Outcome, TurnState, TurnView
from server.conversations.tables import Feedback, StoredCitation, Turn

AT_ONCE = 1000
"""Ids in one query: SQLite takes 32,766 variables in most of its builds, and a conversation may have more turns."""

Row = TypeVar("Row")


def write_outcome(turn: Turn, outcome: Outcome) -> None:
    """Everything but the citations, which are rows of their own."""
    turn.state, turn.error = outcome.state, outcome.error
    turn.evidence = evidence_to_json(outcome.evidence)
    turn.searched, turn.searched_with = outcome.searched.words, outcome.searched.together_with
    turn.answer = turn.raw = outcome.text
    if outcome.answer is not None:
        _write_answer(turn, outcome.answer)


def _write_answer(turn: Turn, answer: Answer) -> None:
    turn.answer, turn.raw = answer.text, answer.raw
    turn.answered, turn.mode, turn.reason = answer.answered, answer.mode, answer.reason
    turn.closest = passages_to_json(answer.closest)
    turn.unsupported = json.dumps([astuple(doubt) for doubt in answer.unsupported])
    turn.prompt_tokens = answer.usage.prompt_tokens
    turn.completion_tokens = answer.usage.completion_tokens
    turn.cached_tokens = answer.usage.cached_tokens
    turn.retrieve_ms, turn.first_token_ms = answer.took_ms.retrieve, answer.took_ms.first_token
    turn.total_ms = answer.took_ms.total


_CITATION_FIELDS = tuple(Citation.__dataclass_fields__)


def citation_rows(turn_id: int, citations: Iterable[Citation]) -> list[StoredCitation]:
    """An answer's marks in order, then the words quoted beneath it."""
    return [
        StoredCitation(turn_id=turn_id, position=position, **{name: getattr(item, name) for name in _CITATION_FIELDS})
        for position, item in enumerate(citations)
    ]


def citation_view(row: StoredCitation) -> CitationView:
    if row.id is None:
        raise ValueError("A citation that was read has an id.")
    return CitationView(row.id, Citation(**{name: getattr(row, name) for name in _CITATION_FIELDS}))


def turns_among(session: Session, ids: Sequence[int]) -> list[Turn]:
    """The turns with these ids, both in ascending order."""
    return list(_among(session, select(Turn).order_by(col(Turn.id)), col(Turn.id), ids))


def turn_views(session: Session, rows: Iterable[Turn]) -> list[TurnView]:
    turns = {row.id: row for row in rows if row.id is not None}
    ids = list(turns)
    citations: dict[int, list[CitationView]] = {}
    for row in _among(
        session, select(StoredCitation).order_by(col(StoredCitation.position)), col(StoredCitation.turn_id), ids
    ):
        citations.setdefault(row.turn_id, []).append(citation_view(row))
    judged = {row.turn_id: row for row in _among(session, select(Feedback), col(Feedback.turn_id), ids)}
    beside: dict[int, tuple[int, ...]] = {}
    for conversation in {row.conversation_id for row in turns.values()}:
        beside |= versions(turn_parents(session, conversation))
    return [_view(id_, row, citations.get(id_, []), judged.get(id_), beside[id_]) for id_, row in turns.items()]


def _among(
    session: Session, statement: SelectOfScalar[Row], column: Mapped[int] | Mapped[int | None], ids: Sequence[int]
) -> Iterator[Row]:
    """The rows of `statement` whose `column` is one of `ids`, in its order for each AT_ONCE of them."""
    for first in range(0, len(ids), AT_ONCE):
        yield from session.exec(statement.where(column.in_(ids[first : first + AT_ONCE])))


def _view(
    id_: int, row: Turn, citations: list[CitationView], judged: Feedback | None, beside: tuple[int, ...]
) -> TurnView:
    return TurnView(
        id=id_,
        conversation_id=row.conversation_id,
        question=row.question,
        asked_of=asked_of_from_json(row.asked_of),
        state=cast(TurnState, row.state),  # only this module writes it
        mode=row.mode,
        answered=row.answered,
        answer=row.answer,
        error=row.error,
        evidence=evidence_from_json(row.evidence),
        closest=passages_from_json(row.closest),
        citations=tuple(view for view in citations if view.citation.at != BENEATH),
        quotes=tuple(view for view in citations if view.citation.at == BENEATH),
        unsupported=tuple(Doubt(*doubt) for doubt in json.loads(row.unsupported)),
        reason=row.reason,
        completion_tokens=row.completion_tokens,
        total_ms=row.total_ms,
        created_at=row.created_at,
        searched=Searched(row.searched, row.searched_with),
        feedback=judged.value if judged else 0,
        remark=judged.remark if judged else "",
        versions=beside,
    )


def unsaved_view(running: TurnView, outcome: Outcome, why: str) -> TurnView:
    """A turn whose row says that it runs, as it ended: its words and passages, without citations, which have no id."""
    answer = outcome.answer
    return replace(
        running,
        state="failed",
        unsaved=True,
        mode=answer.mode if answer else running.mode,
        answered=answer.answered if answer else running.answered,
        answer=outcome.text,
        error=" ".join(filter(None, (outcome.error, why))),
        evidence=outcome.evidence,
        searched=outcome.searched,
    )


def turn_parents(session: Session, conversation_id: str) -> dict[int, int | None]:
    rows = session.exec(select(Turn.id, Turn.parent_id).where(Turn.conversation_id == conversation_id))
    return {id_: parent for id_, parent in rows if id_ is not None}
