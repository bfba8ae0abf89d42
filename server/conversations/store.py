"""The only reader and writer of chat.db. Every query is filtered by owner; another owner's row is NotFound.

Its methods block on the disk: call them from threads, not from the event loop.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, delete, literal_column, update
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, col, select

from indexer.knowledge.database import BUSY_SECONDS, is_busy, open_database, scrub
from indexer.knowledge.tables import now
from indexer.text.shorten import shortened
from server.answering.events import BENEATH, Exchange
from server.conversations.asked_of import EVERYTHING, AskedOf, asked_of_from_json, asked_of_to_json
from server.conversations.branches import ancestors, branch
from server.conversations.evidence_json import evidence_from_json
from server.conversations.rows import (
    citation_rows,
    citation_view,
    turn_parents,
    turn_views,
    turns_among,
    unsaved_view,
    write_outcome,
)
from server.conversations.search import found_turns, holds, searched_words
from server.conversations.shapes import CitationPlace, ConversationLine, FoundTurn, Outcome, TurnView
from server.conversations.tables import Conversation, Feedback, StoredCitation, Turn
from server.errors import NotFound
from server.settings import ServerSettings

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
TITLE_LENGTH = 80  # characters; a line of the list
FOUND = 50  # conversations of a search of which the words are shown: so many lines are some screenfuls
BLOCK = 64
"""Turns of a history that are read together: evidence makes a turn some 10 kB, of which 64 are parsed in 70 ms."""
UNDO = timedelta(hours=1)  # how long a deletion can be undone

RUNNING = col(Turn.state) == literal_column("'running'")  # a parameter would keep SQLite from the index of these alone


def open_conversations(settings: ServerSettings, busy_seconds: float = BUSY_SECONDS) -> "Conversations":
    """chat.db of these settings, created and migrated as needed. Raises StorageError."""
    return Conversations(open_database(settings.chat_path, MIGRATIONS, busy_seconds))


class Conversations:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._held: dict[int, tuple[Outcome, str]] = {}

    def lines(self, owner: str, search: str = "", limit: int = 200) -> list[ConversationLine]:
        """The owner's conversations, newest first; only those that hold every word of `search`, where there is one."""
        wanted = [holds(word) for word in searched_words(search)]
        with Session(self.engine) as session:
            rows = session.exec(
                select(Conversation.id, Conversation.title, Conversation.updated_at)
                .where(Conversation.owner == owner, col(Conversation.deleted_at).is_(None), *wanted)
                .order_by(col(Conversation.updated_at).desc())
                .limit(limit)
            )
            return [ConversationLine(*row) for row in rows]

    def found(self, lines: Sequence[ConversationLine], search: str) -> dict[str, FoundTurn]:
        """Where the newest FOUND of these conversations, which `lines` gave for a search, hold words of it."""
        with Session(self.engine) as session:
            return found_turns(session, [line.id for line in lines[:FOUND]], search)

    def title(self, conversation_id: str, owner: str) -> str:
        """Raises NotFound."""
        with Session(self.engine) as session:
            return _owned(session, conversation_id, owner).title

    def asked_of(self, conversation_id: str, owner: str) -> AskedOf:
        """What was asked last. Raises NotFound."""
        with Session(self.engine) as session:
            return asked_of_from_json(_owned(session, conversation_id, owner).asked_of)

    def rename(self, conversation_id: str, owner: str, title: str) -> None:
        """Raises NotFound."""
        with Session(self.engine) as session:
            conversation = _owned(session, conversation_id, owner)
            conversation.title = shortened(title, TITLE_LENGTH)
            session.add(conversation)
            session.commit()

    def turns(self, conversation_id: str, owner: str, through: int | None = None) -> list[TurnView]:
        """The newest branch of a conversation, or the one through a turn, oldest turn first. Raises NotFound."""
        with Session(self.engine) as session:
            _owned(session, conversation_id, owner)
            shown = branch(turn_parents(session, conversation_id), through)
            return [self._as_held(view) for view in turn_views(session, turns_among(session, shown))]

    def running(self, conversation_id: str, owner: str) -> list[int]:
        """The turns of a conversation that are being answered. Raises NotFound."""
        with Session(self.engine) as session:
            _owned(session, conversation_id, owner)
            found = session.exec(select(Turn.id).where(RUNNING, Turn.conversation_id == conversation_id))
            return [id_ for id_ in found if id_ is not None]

    def turn(self, turn_id: int, owner: str) -> TurnView:
        """Raises NotFound."""
        with Session(self.engine) as session:
            return self._as_held(turn_views(session, [_owned_turn(session, turn_id, owner)])[0])

    def citation(self, citation_id: int, owner: str) -> CitationPlace:
        """Raises NotFound."""
        with Session(self.engine) as session:
            row = session.get(StoredCitation, citation_id)
            if row is None:
                raise NotFound("There is no such citation.", "Its conversation may have been deleted.")
            _owned_turn(session, row.turn_id, owner)
            at_place = col(StoredCitation.at)
            like_it = at_place == BENEATH if row.at == BENEATH else at_place != BENEATH
            ids = session.exec(
                select(StoredCitation.id)
                .where(StoredCitation.turn_id == row.turn_id, like_it)
                .order_by(col(StoredCitation.position))
            ).all()
            at = ids.index(citation_id)
            return CitationPlace(
                citation_view(row), at + 1, len(ids), *_neighbours([id_ for id_ in ids if id_ is not None], at)
            )

    def begin(
        self,
        question: str,
        owner: str,
        conversation_id: str | None = None,
        *,
        after: int | None = None,
        instead_of: int | None = None,
        asked_of: AskedOf = EVERYTHING,
    ) -> TurnView:
        """A new running turn of a conversation, or of a new one, committed when this returns.

        It comes after the newest turn or the one named, or stands beside another turn as a version of it. It keeps what
        it is asked of, and the conversation remembers it. Blocks on the disk, and for seconds while another process
        writes: call it from a thread. Two turns begun at once in one conversation may follow the same one; `Turns` sees
        to it that only one runs.

        Raises NotFound where the conversation is not the owner's or lacks the turn named, and sqlalchemy's
        OperationalError where nothing can be written: the database stays locked, the disk is full.
        """
        with Session(self.engine) as session:
            if conversation_id is None:
                conversation = Conversation(owner=owner, title=shortened(question, TITLE_LENGTH))
            else:
                conversation = _owned(session, conversation_id, owner)
                conversation.updated_at = now()
            conversation.asked_of = asked_of_to_json(asked_of)
            session.add(conversation)
            session.flush()
            parents = turn_parents(session, conversation.id)
            named = instead_of or after
            if named is not None and named not in parents:
                raise NotFound("There is no such question in this conversation.", "Reload the page.")
            parent = parents[instead_of] if instead_of else after or max(parents, default=None)
            turn = Turn(
                conversation_id=conversation.id, parent_id=parent, question=question, asked_of=conversation.asked_of
            )
            session.add(turn)
            session.commit()
            return turn_views(session, [turn])[0]

    def history(self, turn_id: int, owner: str, most: int | None = None) -> tuple[Exchange, ...]:
        """What came before a turn in its branch: the finished exchanges, oldest first. Raises NotFound.

        With `most`, about so many characters of the newest ones: whole blocks of BLOCK turns, counted from the first,
        so that a conversation that grows by a turn mostly begins with the same one.
        """
        exchanges: list[Exchange] = []
        with Session(self.engine) as session:
            turn = _owned_turn(session, turn_id, owner)
            earlier = ancestors(turn_parents(session, turn.conversation_id), turn_id)
            for start in reversed(range(0, len(earlier), BLOCK)):
                exchanges[:0] = map(_exchange, filter(_was_read, turns_among(session, earlier[start : start + BLOCK])))
                if most is not None and sum(map(_characters, exchanges)) > most:
                    break
        return tuple(exchanges)

    def finish(self, turn_id: int, outcome: Outcome) -> None:
        """Save how a turn ended, its citations with it, in one transaction; nothing where it was purged meanwhile.

        Blocks as `begin` does: call it from a thread. Raises sqlalchemy's OperationalError where nothing can be
        written; the row then stays a running turn's until the next start of a server, and this may be tried again.
        """
        with Session(self.engine) as session:
            turn = session.get(Turn, turn_id)
            if turn is not None:  # else its conversation was purged meanwhile
                write_outcome(turn, outcome)
                if outcome.answer is not None:
                    session.add_all(citation_rows(turn_id, (*outcome.answer.citations, *outcome.answer.quotes)))
                elif outcome.meanwhile is not None and not outcome.text:
                    session.add_all(citation_rows(turn_id, (outcome.meanwhile,)))
                conversation = session.get(Conversation, turn.conversation_id)
                if conversation is not None:
                    conversation.updated_at = now()
                    session.add(conversation)
                session.add(turn)
                session.commit()
        self._held.pop(turn_id, None)

    def hold(self, turn_id: int, outcome: Outcome, why: str) -> None:
        """Keep in memory how a turn ended, until `finish` has saved it; pages show it with `why`, for people."""
        self._held[turn_id] = outcome, why

    def _as_held(self, view: TurnView) -> TurnView:
        outcome, why = self._held.get(view.id, (None, ""))
        return view if outcome is None else unsaved_view(view, outcome, why)

    def give_feedback(self, turn_id: int, owner: str, value: int, remark: str = "") -> None:
        """Keep what the owner thought of an answer; 0 takes it back. Raises NotFound."""
        with Session(self.engine) as session:
            _owned_turn(session, turn_id, owner)
            row = session.get(Feedback, turn_id)
            if value == 0:
                if row is not None:
                    session.delete(row)
            else:
                row = row or Feedback(turn_id=turn_id, value=value)
                row.value, row.remark, row.updated_at = value, remark, now()
                session.add(row)
            session.commit()

    def judged(self) -> list[tuple[TurnView, str, str]]:
        """Every answer that somebody judged, with the remark and the owner: for the operator alone."""
        wanted = select(Turn, Feedback.remark, Conversation.owner).join(Conversation).join(Feedback)
        with Session(self.engine) as session:
            rows = session.exec(wanted.where(col(Conversation.deleted_at).is_(None)).order_by(col(Turn.id))).all()
            views = turn_views(session, [turn for turn, _, _ in rows])
        return [(view, remark, owner) for view, (_, remark, owner) in zip(views, rows, strict=True)]

    def delete(self, conversation_id: str, owner: str) -> None:
        """Gone at once, and for good once it is purged, UNDO later. Raises NotFound."""
        with Session(self.engine) as session:
            conversation = _owned(session, conversation_id, owner)
            conversation.deleted_at = now()
            session.add(conversation)
            session.commit()

    def deleted_title(self, conversation_id: str, owner: str) -> str | None:
        """The title of a conversation that can still be restored."""
        with Session(self.engine) as session:
            row = session.get(Conversation, conversation_id)
            return row.title if row and row.owner == owner and row.deleted_at else None

    def restore(self, conversation_id: str, owner: str) -> None:
        """Undo `delete`. Raises NotFound."""
        with Session(self.engine) as session:
            row = session.get(Conversation, conversation_id)
            if row is None or row.owner != owner:
                raise NotFound("There is no such conversation.", "It was deleted for good.")
            row.deleted_at = None
            session.add(row)
            session.commit()

    def expire(self, before: datetime) -> None:
        """Delete what nobody has gone on with since a moment, to be purged. What is being answered stays."""
        running = select(Turn.conversation_id).where(RUNNING)
        old = (col(Conversation.updated_at) < before, col(Conversation.deleted_at).is_(None))
        with Session(self.engine) as session:
            session.connection().execute(
                update(Conversation).where(*old, col(Conversation.id).not_in(running)).values(deleted_at=now() - UNDO)
            )
            session.commit()

    def forget_feedback(self, before: datetime) -> None:
        """Remove what people thought of answers and have not changed since a moment."""
        with Session(self.engine) as session:
            session.connection().execute(delete(Feedback).where(col(Feedback.updated_at) < before))
            session.commit()

    def purge(self, before: datetime) -> None:
        """Remove what was deleted before a moment, with everything that belongs to it, a conversation at a time.

        None of it is left in the database's files, unless somebody reads just now: then it goes the next time. One that
        cannot be removed is logged and stays. Raises sqlalchemy's OperationalError while the database is
        locked: each of the others would wait as long.
        """
        with Session(self.engine) as session:
            due = session.exec(select(Conversation.id).where(col(Conversation.deleted_at) < before)).all()
        for conversation_id in due:
            try:
                self._remove(conversation_id, before)
            except DatabaseError as error:
                if is_busy(error.orig):
                    raise
                log.exception("the deleted conversation %s could not be removed for good", conversation_id)
        scrub(self.engine)

    def _remove(self, conversation_id: str, before: datetime) -> None:
        """Unless it was restored meanwhile."""
        due = (col(Conversation.id) == conversation_id, col(Conversation.deleted_at) < before)
        turns = col(Turn.conversation_id).in_(select(Conversation.id).where(*due))
        with Session(self.engine) as session:
            # A turn takes along those that follow it, each a level deeper, and SQLite goes no deeper than 1,000.
            session.connection().execute(update(Turn).where(turns).values(parent_id=None))
            session.connection().execute(delete(Conversation).where(*due))
            session.commit()

    def fail_running(self, error: str) -> int:
        """Mark every running turn as failed: for the start of a server, when nothing can be running yet."""
        with Session(self.engine) as session:
            result = session.connection().execute(update(Turn).where(RUNNING).values(state="failed", error=error))
            session.commit()
            return result.rowcount


def _owned(session: Session, conversation_id: str, owner: str) -> Conversation:
    row = session.get(Conversation, conversation_id)
    if row is None or row.owner != owner or row.deleted_at is not None:
        raise NotFound("There is no such conversation.", "It may have been deleted.")
    return row


def _was_read(row: Turn) -> bool:
    return row.state in ("done", "stopped") and row.mode != "fixed"


def _characters(exchange: Exchange) -> int:
    return len(exchange.question) + len(exchange.raw_answer) + sum(len(e.text) for e in exchange.evidence)


def _exchange(row: Turn) -> Exchange:
    """Quotations are chosen without a prompt, unless a model has read the passages and wrote nothing to be kept."""
    was_read = row.mode == "model" or row.prompt_tokens > 0
    return Exchange(row.question, row.raw, evidence_from_json(row.evidence) if was_read else ())


def _owned_turn(session: Session, turn_id: int, owner: str) -> Turn:
    mine = (Conversation.owner == owner, col(Conversation.deleted_at).is_(None))
    row = session.exec(select(Turn).join(Conversation).where(Turn.id == turn_id, *mine)).first()
    if row is None:
        raise NotFound("There is no such question.", "Its conversation may have been deleted.")
    return row


def _neighbours(ids: list[int], at: int) -> tuple[int | None, int | None]:
    return (ids[at - 1] if at > 0 else None), (ids[at + 1] if at + 1 < len(ids) else None)
