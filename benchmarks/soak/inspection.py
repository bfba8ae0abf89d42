"""What must hold at any moment: each look returns a sentence for everything that is wrong, none where all is well."""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.soak.book import GONE, Document, Turn

END_SECONDS = 10.0  # that a server may take to end after SIGTERM
BUSY_SECONDS = 60.0  # that a look waits for a writer
_WORD = re.compile(r"\bsoak[a-z]+word\b")


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, to be read alone: what a kill left in it is for Docent to mend."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as connection:
        yield connection


def damage(path: Path) -> list[str]:
    """What SQLite itself finds wrong."""
    try:
        with opened(path) as connection:
            said = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
            keys = connection.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.DatabaseError as error:
        return [f"{path.name} cannot be read: {error}"]
    problems = [f"{path.name}: {one}" for one in said if one != "ok"]
    return problems + [f"{path.name}: a row of {row[0]} points at none of {row[2]}" for row in keys]


def indexed_words(knowledge: Path) -> dict[tuple[str, str], str]:
    """Of every document that can be searched, by collection and path, the word of its version."""
    query = """SELECT collection.name, document.path, document.text FROM document
        JOIN collection ON collection.id = document.collection_id WHERE document.deleted_at IS NULL"""
    with opened(knowledge) as connection:
        return {
            (collection, path): " ".join(dict.fromkeys(_WORD.findall(text))) or "a text without a word"
            for collection, path, text in connection.execute(query)
        }


def not_as_acknowledged(documents: Iterable[Document], found: Mapping[tuple[str, str], str]) -> list[str]:
    """Documents that are in none of the versions that they may be in."""
    return [
        f"{one.collection}/{one.path} is {word or 'gone'}; acknowledged was {', '.join(map(_named, sorted(one.may)))}"
        for one in documents
        if (word := found.get((one.collection, one.path), GONE)) not in one.may
    ]


def come_back(documents: Iterable[Document], found: Mapping[tuple[str, str], str]) -> list[str]:
    """Documents that were deleted, acknowledged, and are there."""
    return [
        f"{one.collection}/{one.path} was deleted and is back"
        for one in documents
        if one.may == {GONE} and (one.collection, one.path) in found
    ]


def _named(word: str) -> str:
    return word or "its deletion"


def lost_turns(chat: Path, kept: Iterable[Turn], gone: Iterable[str]) -> list[str]:
    """Answers that were seen to their end and are not there any more, and conversations that came back."""
    with opened(chat) as connection:
        rows = connection.execute(
            """SELECT turn.id, turn.conversation_id, question, state, answer, answered, error FROM turn
            JOIN conversation ON conversation.id = turn.conversation_id WHERE conversation.deleted_at IS NULL"""
        )
        found = {row[0]: row[1:] for row in rows}
    problems = []
    for turn in kept:
        conversation, question, state, answer, answered, error = found.get(turn.id, ("", "", "", "", 0, ""))
        if (conversation, question) != (turn.conversation, turn.question):
            problems.append(f"turn {turn.id} was answered and is lost")
        elif not (answer or error or not answered or state == "stopped") or state == "running":
            problems.append(f"turn {turn.id} was answered and has lost its answer ({state})")
    there = {row[0] for row in found.values()}
    return problems + [f"the conversation {one} was deleted and is back" for one in gone if one in there]


def cut_run(knowledge: Path, collection: str) -> int:
    """The newest run of an ingest into this collection that did not come to its end; 0 where there is none."""
    query = """SELECT max(ingest_run.id) FROM ingest_run JOIN collection ON collection.id = collection_id
        WHERE finished_at IS NULL AND name = ?"""
    with opened(knowledge) as connection:
        return int(connection.execute(query, (collection,)).fetchone()[0] or 0)


def tracebacks(log: str) -> list[str]:
    """The last line of each traceback in what a process said."""
    found = []
    for after in log.split("Traceback (most recent call last)")[1:]:
        lines = after.splitlines()
        last = next((line for line in lines[1:] if line and not line.startswith((" ", "\t"))), "")
        found.append(f"a traceback in the log: {last[:300]}")
    return found


def is_of_a_full_disk(problem: str) -> bool:
    return "disk is full" in problem or "No space left on device" in problem or "disk I/O error" in problem


def badly_ended(seconds: float, status: int) -> list[str]:
    """What was wrong with an end after SIGTERM."""
    late = [f"the server took {seconds:.1f} s to end after SIGTERM"] if seconds > END_SECONDS else []
    return late + ([f"the server ended with status {status} after SIGTERM"] if status else [])
