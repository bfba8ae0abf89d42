"""`docent feedback export FOLDER`: what people thought of answers, written into files.

It reads what people asked and were told, so its files are as confidential as their conversations; only who can read
chat.db can run it. Files are replaced whole, and what was completed in them by hand stays.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from indexer.errors import StartError, StorageError
from indexer.progress import message
from server.conversations.feedback import Judged, Row, corrections_in, examples, preferences, questions
from server.conversations.store import Conversations, open_conversations
from server.settings import ServerSettings


def export_feedback(folder: Path) -> None:
    """Raises StartError where an earlier file cannot be read, StorageError where one cannot be written."""
    settings = ServerSettings()
    kept = _rows(folder / "questions.jsonl")
    judged = read_judged(open_conversations(settings)) if settings.chat_path.exists() else []
    corrections = corrections_in(kept)
    files = {
        "questions.jsonl": questions(judged, kept),
        "sft.jsonl": examples(judged, corrections),
        "dpo.jsonl": preferences(judged, corrections),
    }
    for name, rows in files.items():
        _write(folder / name, rows)
        message(f"{len(rows):6} {name}")
    quoted = sum(one.turn.feedback > 0 and one.turn.mode == "extractive" for one in judged)
    if quoted:
        message(f"{quoted} liked answers are quotations: no model wrote them, so they are no examples for one.")


def read_judged(conversations: Conversations) -> list[Judged]:
    """Every judged turn of every owner, oldest first, with what came before it."""
    return [
        Judged(turn, remark, conversations.history(turn.id, owner)) for turn, remark, owner in conversations.judged()
    ]


def _rows(path: Path) -> list[Row]:
    """What an earlier export wrote and somebody completed since. Raises StartError."""
    if not path.exists():
        return []
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
        return [{**row, "id": str(row["id"])} for row in rows]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise StartError(
            f"{path} cannot be read ({error!r}), and is not written over.", "Mend it, or name another folder."
        ) from error


def _write(path: Path, rows: Sequence[Row]) -> None:
    """Replace a file whole, readable by its owner alone. Raises StorageError."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "w", encoding="utf-8", errors="replace", opener=_private) as file:
            file.write(text)
        beside.replace(path)
    except OSError as error:
        raise StorageError(f"{path} could not be written ({error}).", "Name another folder.") from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
