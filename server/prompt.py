"""Evidence, history and question to the messages that the model reads (pure).

Stable text comes first and nothing that was sent is ever changed, so that each turn's prompt begins with the whole of
the turn before and only what is new has to be computed.
"""

from collections.abc import Sequence

from server.events import Evidence, Exchange, Question
from server.generate import Message

NOT_FOUND = "The documents do not say."
"""What the model is asked to write when the passages hold no answer; recognised at the head of an answer."""

INSTRUCTIONS = (
    "You answer an employee's questions from passages of the company's documents. "
    "Use only what the passages say. Answer in one to three short sentences, or a short list. "
    "After each sentence write the number of the passage it rests on, like [1]. "
    f"If the passages do not answer the question, write only: {NOT_FOUND}"
)


def build_messages(question: Question, evidence: Sequence[Evidence], history: Sequence[Exchange]) -> list[Message]:
    """The whole prompt. With retrieval off it is the client's own conversation, untouched."""
    system = " ".join([INSTRUCTIONS] * question.retrieval) + f"\n\n{question.system}" * bool(question.system)
    messages = [Message("system", system.strip())] if system.strip() else []
    shown: set[int] = set()
    for exchange in history:
        messages.append(Message("user", _user_text(exchange.question, exchange.evidence, shown)))
        messages.append(Message("assistant", exchange.raw_answer))
    messages.append(Message("user", _user_text(question.text, evidence, shown)))
    return messages


def _user_text(question: str, evidence: Sequence[Evidence], shown: set[int]) -> str:
    """Passages that no earlier turn has shown, then the question. Adds their numbers to `shown`."""
    fresh = [e for e in evidence if e.n not in shown]
    shown.update(e.n for e in fresh)
    if not fresh:
        return question
    passages = "\n\n".join(f"[{e.n}] {_place(e)}\n{e.text}" for e in fresh)
    return f"Passages:\n\n{passages}\n\nQuestion: {question}"


def _place(evidence: Evidence) -> str:
    """Title, headings and page of a passage, on one line."""
    passage = evidence.passage
    place = " › ".join(part for part in (passage.title or passage.document, passage.heading) if part)
    return f"{place}, page {passage.page}" if passage.page else place
