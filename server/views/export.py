"""A conversation as Markdown, its sources as footnotes (pure)."""

import re
from collections.abc import Sequence

from indexer.passages import Scope
from server.conversations.shapes import TurnView
from server.views.choosing import asked_of_words
from server.views.notes import closest_passages, footnote, footnotes, quoted_beneath
from server.views.presentation import readable_part


def conversation_markdown(title: str, turns: Sequence[TurnView], scope: Scope) -> str:
    """Each question as a heading, its answer with what is quoted beneath it, and the quoted words as footnotes
    `[^turn-source]`, as far as the asker of `scope` may read them."""
    parts = [f"# {_line(title)}"]
    for number, turn in enumerate((readable_part(turn, scope) for turn in turns), start=1):
        parts.append(f"## {_line(turn.question)}")
        if asked := asked_of_words(turn.asked_of):
            parts.append(f"*Asked {_line(asked)}*")
        parts.append(_answer(number, turn) or "*The documents do not say.*")
        parts += closest_passages(turn)
        if turn.state != "done":
            parts.append(f"*{turn.error or 'This answer was stopped.'}*")
        parts += quoted_beneath(turn, f"[^{number}-{{}}]")
        parts += _notes(number, turn)
    return "\n\n".join(parts) + "\n"


def _answer(number: int, turn: TurnView) -> str:
    text, done = "", 0
    for view in turn.citations:
        mark = f"[{view.citation.n}]"
        if view.citation.at >= done and turn.answer.startswith(mark, view.citation.at):
            text += f"{turn.answer[done : view.citation.at].rstrip(' ')}[^{number}-{view.citation.n}]"
            done = view.citation.at + len(mark)
    return (text + turn.answer[done:]).strip()


def _notes(number: int, turn: TurnView) -> list[str]:
    quotes: dict[int, dict[str, None]] = {}
    for note in footnotes(turn):
        name = f"{note.source} ({note.document})" if note.document else note.source
        quotes.setdefault(note.n, {})[footnote(name, note.words)] = None
    return [f"[^{number}-{n}]: " + "; ".join(words) for n, words in sorted(quotes.items())]


def _line(text: str) -> str:
    return " ".join(text.split())


def file_name(title: str) -> str:
    """A name for the file, without spaces and without what a file system or a shell takes for something else."""
    return re.sub(r"[^\w.]+", "-", title)[:60].strip("-.") or "conversation"
