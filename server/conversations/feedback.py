"""What people thought of answers, as data: questions to complete, and examples to train an adapter with (pure).

An answer that was not liked becomes a question in the form that `indexer evaluate` reads; whoever completes it may also
write the answer as it should have been, its `correction`. What was liked or corrected becomes an example under the very
messages that the model was sent, its marks numbered as the passages are there; on a page they count from 1 in each
answer. Quotations had no prompt, so they are examples of nothing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from indexer.passages import Scope
from server.answering.events import Exchange, Question
from server.answering.prompt import build_messages
from server.conversations.shapes import TurnView

Row = dict[str, Any]

_MARK = re.compile(r"\[(\d{1,4})\]")


@dataclass(frozen=True)
class Judged:
    """A turn that its asker judged (`turn.feedback`: 1 or -1), what was said of it, and what came before."""

    turn: TurnView
    remark: str = ""
    history: tuple[Exchange, ...] = ()

    @property
    def id(self) -> str:
        return f"turn-{self.turn.id}"

    @property
    def written(self) -> bool:
        """Whether the model wrote the answer, or that the documents do not say, to its end."""
        return self.turn.mode == "model" and self.turn.state == "done" and bool(self.turn.answer)

    def prompt(self) -> list[Row]:
        """The messages that the model was sent, as far as the conversation fitted."""
        evidence = [*self.turn.evidence, *(one for exchange in self.history for one in exchange.evidence)]
        scope = Scope(frozenset(one.passage.collection_id for one in evidence))
        messages = build_messages(Question(self.turn.question, scope), self.turn.evidence, self.history)
        return [{"role": message.role, "content": message.content} for message in messages]


def questions(judged: Sequence[Judged], kept: Sequence[Row] = ()) -> list[Row]:
    """Rows that were written before, as they are now, then one for each further answer that was not liked."""
    known = {row["id"] for row in kept}
    return [*kept, *(_question(one) for one in judged if one.turn.feedback < 0 and one.id not in known)]


def _question(one: Judged) -> Row:
    history = [
        {"role": role, "text": text}
        for exchange in one.history
        for role, text in (("user", exchange.question), ("assistant", exchange.raw_answer))
        if text
    ]
    return {
        "id": one.id,
        "question": one.turn.question,
        "history": history,
        "gold": [],
        "answers": [],
        "answerable": None,
        "correction": "",
        "remark": one.remark,
        "answered_then": one.turn.answer,
        "quoted_then": [view.citation.quote for view in one.turn.quotes],
        "found_then": list(dict.fromkeys(evidence.passage.document for evidence in one.turn.evidence)),
    }


def examples(judged: Sequence[Judged], corrections: Mapping[str, str]) -> list[Row]:
    """For supervised fine-tuning: `{"messages": [...]}`, one for each answer that was liked or corrected."""
    good = [(one, _corrected(one, corrections) or _liked(one)) for one in judged if one.written]
    return [{"messages": [*one.prompt(), _assistant(text)]} for one, text in good if text]


def preferences(judged: Sequence[Judged], corrections: Mapping[str, str]) -> list[Row]:
    """For preference tuning: a rejected answer beside the correction, or beside a liked answer to the same prompt."""
    pairs: list[Row] = []
    by_turn = {one.turn.id: one for one in judged}
    for bad in judged:
        if bad.turn.feedback > 0 or not bad.written:
            continue
        prompt = bad.prompt()
        beside = [one for turn in bad.turn.versions if (one := by_turn.get(turn)) is not None and _liked(one)]
        liked = [_liked(one) for one in beside if one.prompt() == prompt]
        chosen = [text for text in dict.fromkeys([_corrected(bad, corrections), *liked]) if text]
        rejected = [_assistant(_as_read(bad, bad.turn.answer))]
        pairs += [{"prompt": prompt, "chosen": [_assistant(text)], "rejected": rejected} for text in chosen]
    return pairs


def corrections_in(rows: Sequence[Row]) -> dict[str, str]:
    """The corrections that somebody has written, by the id of their question."""
    written = {row["id"]: str(row.get("correction") or "").strip() for row in rows}
    return {id_: text for id_, text in written.items() if text}


def _liked(one: Judged) -> str:
    return _as_read(one, one.turn.answer) if one.turn.feedback > 0 and one.written else ""


def _corrected(one: Judged, corrections: Mapping[str, str]) -> str:
    return _as_read(one, corrections.get(one.id, ""))


def _as_read(one: Judged, text: str) -> str:
    """An answer with marks as a page shows them, to one with the numbers that the passages have in the prompt."""
    read = {str(evidence.number): evidence.n for evidence in one.turn.evidence}
    return _MARK.sub(lambda mark: f"[{read.get(mark[1], mark[1])}]", text)


def _assistant(text: str) -> Row:
    return {"role": "assistant", "content": text}
