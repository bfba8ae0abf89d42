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
from server.answering.passage_source import source
from server.llm.generator import Message, PassageSpan

NOT_FOUND = "The documents do not say."
"""What the server says where it judges that the documents hold no answer. A model is never offered it."""

_TASK = "You answer an employee's questions from passages of the company's documents. Use only what the passages say."
INSTRUCTIONS = (
    f"{_TASK} Answer in full sentences and give every number, date, amount, name and condition that the passages give "
    "for it."
)
JSON_INSTRUCTIONS = f"{_TASK} Answer in JSON, without the numbers of passages."

LEAD = "Passages:\n\n"

_MARK = re.compile(r"\[(\s*\d{1,3}\s*)\]")


def build_messages(question: Question, evidence: Sequence[Evidence], history: Sequence[Exchange]) -> list[Message]:
    """The whole prompt. With retrieval off it is the client's own conversation, untouched."""
    ours = _own_instructions(question)
    theirs = question.system
    text = f"{ours}\n\n{theirs}" if ours and theirs else ours or theirs
    messages = [Message("system", text, public=len(ours))] if text else []
    shown: set[int] = set()
    apart = ours == INSTRUCTIONS and question.may_be_stitched
    for exchange in history:
        asked = _asked(exchange.question, list(filter(question.may_show, exchange.evidence)), shown, apart=apart)
        messages += [asked] if asked.content else []
        messages += [Message("assistant", exchange.raw_answer)] if exchange.raw_answer else []
    messages.append(_asked(question.text, evidence, shown, apart=apart))
    return messages


def _own_instructions(question: Question) -> str:
    if not question.retrieval:
        return ""
    return JSON_INSTRUCTIONS if question.wants_json else INSTRUCTIONS


def _asked(question: str, evidence: Sequence[Evidence], shown: set[int], *, apart: bool) -> Message:
    """Passages that no earlier turn has shown, then the question. Adds their numbers to `shown`.

    `apart`: what was read of whole passages in other prompts may be used.
    """
    fresh = [e for e in evidence if e.n not in shown]
    shown.update(e.n for e in fresh)
    if not fresh:
        return Message("user", question)
    text, spans = LEAD, []
    for e in fresh:
        start = len(text) + len(f"[{e.n}]")
        text += f"[{e.n}] {_place(e)}\n{_quoted(e.text)}\n\n"
        if apart and e.text == e.passage.text:
            spans.append(PassageSpan(start, len(text), source(e.passage), f"{LEAD}[1]"))
    return Message("user", f"{text}Question: {question}", passages=tuple(spans))


def _place(evidence: Evidence) -> str:
    """Title, headings and page of a passage, on one line."""
    passage = evidence.passage
    place = " › ".join(part for part in (passage.title or passage.document, passage.heading) if part)
    line = _MARK.sub(r"(\1)", " ".join(place.split()))
    return f"{line}, page {passage.page}" if passage.page else line


def _quoted(text: str) -> str:
    return "\n".join(f" {line.strip()}" for line in _MARK.sub(r"(\1)", text).splitlines() if line.strip())
