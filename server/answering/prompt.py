"""Evidence, history and question to the messages that the model reads (pure).

Stable text comes first and nothing that was sent is ever changed, so that each turn's prompt begins with the whole of
the turn before and only what is new has to be computed.

Passages come before the question, each under a line `[n] Title › Heading, page p` at the margin. Their own lines are
indented by a space and none is empty, and their own `[2]` become `(2)`: nothing in a document can begin like another
passage or like the question. What it says is still read by the model; that its words are followed as if they were
instructions is made harder by this, not impossible.
"""

import re
from collections.abc import Sequence

from server.answering.events import Evidence, Exchange, Question
from server.llm.generator import Message, Role

NOT_FOUND = "The documents do not say."
"""What the server says where it judges that the documents hold no answer. A model is never offered it."""

_TASK = "You answer an employee's questions from passages of the company's documents. Use only what the passages say."
INSTRUCTIONS = (
    f"{_TASK} Answer in full sentences and give every number, date, amount, name and condition that the passages give "
    "for it."
)
JSON_INSTRUCTIONS = f"{_TASK} Answer in JSON, without the numbers of passages."

_MARK = re.compile(r"\[(\s*\d{1,3}\s*)\]")


def build_messages(question: Question, evidence: Sequence[Evidence], history: Sequence[Exchange]) -> list[Message]:
    """The whole prompt. With retrieval off it is the client's own conversation, untouched."""
    ours = _own_instructions(question)
    theirs = question.system
    text = f"{ours}\n\n{theirs}" if ours and theirs else ours or theirs
    messages = [Message("system", text, public=len(ours))] if text else []
    shown: set[int] = set()
    for exchange in history:
        messages += _turn(
            "user", _user_text(exchange.question, list(filter(question.may_show, exchange.evidence)), shown)
        )
        messages += _turn("assistant", exchange.raw_answer)
    messages.append(Message("user", _user_text(question.text, evidence, shown)))
    return messages


def _own_instructions(question: Question) -> str:
    if not question.retrieval:
        return ""
    return JSON_INSTRUCTIONS if question.wants_json else INSTRUCTIONS


def _turn(role: Role, text: str) -> list[Message]:
    """A message; none for the half that an exchange lacks."""
    return [Message(role, text)] if text else []


def _user_text(question: str, evidence: Sequence[Evidence], shown: set[int]) -> str:
    """Passages that no earlier turn has shown, then the question. Adds their numbers to `shown`."""
    fresh = [e for e in evidence if e.n not in shown]
    shown.update(e.n for e in fresh)
    if not fresh:
        return question
    passages = "\n\n".join(f"[{e.n}] {_place(e)}\n{_quoted(e.text)}" for e in fresh)
    return f"Passages:\n\n{passages}\n\nQuestion: {question}"


def _place(evidence: Evidence) -> str:
    """Title, headings and page of a passage, on one line."""
    passage = evidence.passage
    place = " › ".join(part for part in (passage.title or passage.document, passage.heading) if part)
    line = _MARK.sub(r"(\1)", " ".join(place.split()))
    return f"{line}, page {passage.page}" if passage.page else line


def _quoted(text: str) -> str:
    return "\n".join(f" {line.strip()}" for line in _MARK.sub(r"(\1)", text).splitlines() if line.strip())
