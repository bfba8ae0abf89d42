"""The only reader and writer of chat.db. Every query is filtered by owner; another owner's row is NotFound.

Its methods block on the disk: call them from threads, not from the event loop.
"""

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, Engine, delete, or_, update
from sqlmodel import Session, col, select

from indexer.knowledge.database import open_database
from indexer.knowledge.tables import now
from indexer.text.shorten import shortened
from server.answering.events import Exchange
from server.conversations.branches import branch
from server.conversations.evidence_json import evidence_from_json
from server.conversations.rows import citation_rows, citation_view, turn_parents, turn_views, write_outcome
from server.conversations.shapes import CitationPlace, ConversationLine, Outcome, TurnView
from server.conversations.tables import Conversation, Feedback, StoredCitation, Turn
from server.errors import NotFound
from server.settings import ServerSettings

MIGRATIONS = Path(__file__).parent / "migrations"
TITLE_LENGTH = 80  # characters; a line of the list
SEARCH_WORDS = 8  # the rest of a search is not looked at
UNDO = timedelta(hours=1)  # how long a deletion can be undone


def open_conversations(settings: ServerSettings) -> "Conversations":
    """chat.db of these settings, created and migrated as needed. Raises StorageError."""
    return Conversations(open_database(settings.chat_path, MIGRATIONS))


class Conversations:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def lines(self, owner: str, search: str = "", limit: int = 200) -> list[ConversationLine]:
        """The owner's conversations, newest first; only those that hold every word of `search`, where there is one."""
        wanted = [_holds(word) for word in search.split()[:SEARCH_WORDS]]
        with Session(self.engine) as session:
            rows = session.exec(
                select(Conversation)
                .where(Conversation.owner == owner, col(Conversation.deleted_at).is_(None), *wanted)
                .order_by(col(Conversation.updated_at).desc())
                .limit(limit)
            )
            return [ConversationLine(row.id, row.title, row.updated_at) for row in rows]

    def title(self, conversation_id: str, owner: str) -> str:
        """Raises NotFound."""
        with Session(self.engine) as session:
            return _owned(session, conversation_id, owner).title

    def collection(self, conversation_id: str, owner: str) -> str:
        """The collection that was asked last; empty for all. Raises NotFound."""
        with Session(self.engine) as session:
            return _owned(session, conversation_id, owner).collection

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
            rows = session.exec(select(Turn).where(col(Turn.id).in_(shown)).order_by(col(Turn.id)))
            return turn_views(session, rows.all())

    def turn(self, turn_id: int, owner: str) -> TurnView:
        """Raises NotFound."""
        with Session(self.engine) as session:
            return turn_views(session, [_owned_turn(session, turn_id, owner)])[0]

    def citation(self, citation_id: int, owner: str) -> CitationPlace:
        """Raises NotFound."""
        with Session(self.engine) as session:
            row = session.get(StoredCitation, citation_id)
            if row is None:
                raise NotFound("There is no such citation.", "Its conversation may have been deleted.")
            _owned_turn(session, row.turn_id, owner)
            ids = session.exec(
                select(StoredCitation.id)
                .where(StoredCitation.turn_id == row.turn_id)
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
        collection: str = "",
    ) -> TurnView:
        """A new running turn of a conversation, or of a new one. Raises NotFound.

        It comes after the newest turn or the one named, or stands beside another turn as a version of it. The
        conversation remembers the collection that was asked.
        """
        with Session(self.engine) as session:
            if conversation_id is None:
                conversation = Conversation(owner=owner, title=shortened(question, TITLE_LENGTH))
            else:
                conversation = _owned(session, conversation_id, owner)
                conversation.updated_at = now()
            conversation.collection = collection
            session.add(conversation)
            session.flush()
            parents = turn_parents(session, conversation.id)
            named = instead_of or after
            if named is not None and named not in parents:
                raise NotFound("There is no such question in this conversation.", "Reload the page.")
            parent = parents[instead_of] if instead_of else after or max(parents, default=None)
            turn = Turn(conversation_id=conversation.id, parent_id=parent, question=question)
            session.add(turn)
            session.commit()
            return turn_views(session, [turn])[0]

    def history(self, turn_id: int, owner: str) -> tuple[Exchange, ...]:
        """What came before a turn in its branch: the finished exchanges, oldest first. Raises NotFound."""
        with Session(self.engine) as session:
            turn = _owned_turn(session, turn_id, owner)
            rows = session.exec(select(Turn).where(Turn.conversation_id == turn.conversation_id)).all()
        by_id = {row.id: row for row in rows}
        exchanges: list[Exchange] = []
        parent = turn.parent_id
        while parent is not None:
            earlier = by_id[parent]
            if earlier.state in ("done", "stopped") and earlier.mode != "fixed":
                read = earlier.mode == "model"  # quotes were chosen without a prompt: no model has read their passages
                evidence = evidence_from_json(earlier.evidence) if read else ()
                exchanges.append(Exchange(earlier.question, earlier.raw, evidence))
            parent = earlier.parent_id
        return tuple(reversed(exchanges))

    def finish(self, turn_id: int, outcome: Outcome) -> None:
        """Save how a turn ended, its citations with it, in one transaction."""
        with Session(self.engine) as session:
            turn = session.get(Turn, turn_id)
            if turn is None:  # its conversation was deleted meanwhile
                return
            write_outcome(turn, outcome)
            if outcome.answer is not None:
                session.add_all(citation_rows(turn_id, outcome.answer.citations))
            conversation = session.get(Conversation, turn.conversation_id)
            if conversation is not None:
                conversation.updated_at = now()
                session.add(conversation)
            session.add(turn)
            session.commit()

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
        """Gone at once, and for good after UNDO. Raises NotFound."""
        self.purge(now() - UNDO)
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

    def purge(self, before: datetime) -> None:
        """Remove what was deleted before a moment, with everything that belongs to it."""
        with Session(self.engine) as session:
            session.execute(delete(Conversation).where(col(Conversation.deleted_at) < before))
            session.commit()

    def fail_running(self, error: str) -> int:
        """Mark every running turn as failed: for the start of a server, when nothing can be running yet."""
        with Session(self.engine) as session:
            result = session.execute(
                update(Turn).where(col(Turn.state) == "running").values(state="failed", error=error)
            )
            session.commit()
            return int(getattr(result, "rowcount", 0))


def _owned(session: Session, conversation_id: str, owner: str) -> Conversation:
    row = session.get(Conversation, conversation_id)
    if row is None or row.owner != owner or row.deleted_at is not None:
        raise NotFound("There is no such conversation.", "It may have been deleted.")
    return row


def _holds(word: str) -> ColumnElement[bool]:
    """Whether a conversation holds a word; SQLite folds the case of ASCII alone, so others are tried in each case."""
    forms = sorted({word, word.lower(), word.upper(), word.capitalize()})
    columns = (col(Turn.question), col(Turn.answer))
    said = select(Turn.conversation_id).where(
        or_(*(column.contains(form, autoescape=True) for form in forms for column in columns))
    )
    titled = (col(Conversation.title).contains(form, autoescape=True) for form in forms)
    return or_(*titled, col(Conversation.id).in_(said))


def _owned_turn(session: Session, turn_id: int, owner: str) -> Turn:
    mine = (Conversation.owner == owner, col(Conversation.deleted_at).is_(None))
    row = session.exec(select(Turn).join(Conversation).where(Turn.id == turn_id, *mine)).first()
    if row is None:
        raise NotFound("There is no such question.", "Its conversation may have been deleted.")
    return row


def _neighbours(ids: list[int], at: int) -> tuple[int | None, int | None]:
    return (ids[at - 1] if at > 0 else None), (ids[at + 1] if at + 1 < len(ids) else None)
