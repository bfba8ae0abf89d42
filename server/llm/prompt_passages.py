"""Messages to the tokens that the model reads, with what of them it has read before, alone (pure but for the store).

A passage is read behind Docent's own words and the line that leads in to passages, nothing else. The first one of a
prompt stands just there, so that its cells are those of a full read; from the next one on the prompt forks off from
those that are read in full.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from server.engine.cell_state import CellState, Rotation, State, UnknownState
from server.engine.passage_store import PassageStore, PassageTokens, passage_key
from server.engine.prefixes import common_prefix
from server.engine.slots import ReadPassage
from server.llm.chat_template import ChatTemplate
from server.llm.generator import Message, PassageSpan
from server.llm.prompt_tokens import Placed, PromptTokenizer

logger = logging.getLogger("docent.model")

READ_ANEW = 0
"""Tokens at the beginning of a stitched passage that are read where they stand. On squad (20 questions, 1.5B) the
answers hold the facts for .85 with none and with 8, .80 with 32, at .41, .95 and 1.62 s to the first token."""
LEAST = 16  # tokens; what is shorter is soon read again


@dataclass(frozen=True)
class Prompt:
    """What the engine is asked with."""

    tokens: tuple[int, ...]
    public: int = 0  # of them, from the beginning, the server's own words and nobody else's
    passages: tuple[ReadPassage, ...] = ()
    fork: int | None = None


@dataclass(frozen=True)
class Stitching:
    """What prompts can be stitched with."""

    store: PassageStore
    rotation: Rotation
    model: str  # tells models, builds and settings apart


class Prompts:
    """Makes the prompts of one loaded model. From any thread."""

    def __init__(self, template: ChatTemplate, tokenizer: PromptTokenizer, stitching: Stitching | None = None) -> None:
        self._template = template
        self._tokenizer = tokenizer
        self._stitching = stitching
        self._before: dict[tuple[str, str], tuple[int, ...]] = {}

    def count(self, messages: Sequence[Message]) -> int:
        return len(self._encode(messages)[0])

    def make(self, messages: Sequence[Message]) -> Prompt:
        """The prompt, with the passages that are kept; the store is told of all. May read the disk."""
        tokens, placed = self._encode(messages)
        first = messages[0] if messages else None
        if first is None or not first.public:
            return Prompt(tuple(tokens))
        own, _ = self._encode([_own(first), Message("user", "")])
        prompt = Prompt(tuple(tokens), common_prefix(tokens, own))
        stitching = self._stitching
        return self._stitched(prompt, first, placed, stitching) if placed and stitching else prompt

    def kept(self, messages: Sequence[Message]) -> list[bool]:
        """Of each passage, whether it was read; those that were not are read when there is time."""
        stitching, first = self._stitching, messages[0]
        if stitching is None or not first.public:
            return []
        tokens, placed = self._encode(messages)
        alone = (self._alone(first, tokens[start:end], span, stitching) for start, end, span in placed)
        return [len(passage.tokens) >= LEAST and stitching.store.holds(passage) for passage in alone]

    def _encode(self, messages: Sequence[Message]) -> tuple[list[int], list[Placed]]:
        parts = self._template.render(messages)
        if self._stitching is None:
            return self._tokenizer.encode(parts), []
        return self._tokenizer.encode_passages(parts)

    def _stitched(self, prompt: Prompt, first: Message, placed: Sequence[Placed], stitching: Stitching) -> Prompt:
        kept: list[ReadPassage] = []
        fork: int | None = None
        for start, end, span in placed:
            passage = self._alone(first, prompt.tokens[start:end], span, stitching)
            exact = fork is None and prompt.tokens[:start] == passage.before
            fork = start if fork is None and not exact else fork
            if end - start < LEAST or end >= len(prompt.tokens):
                continue
            data = stitching.store.ask(passage)
            if data is not None:
                anew = 0 if exact else READ_ANEW
                place = partial(_placed, passage, data, stitching.rotation, anew, start + anew)
                kept.append(ReadPassage(start + anew, end, place))
        return replace(prompt, passages=tuple(kept), fork=fork)

    def _alone(self, first: Message, tokens: Sequence[int], span: PassageSpan, stitching: Stitching) -> PassageTokens:
        """A passage as it is read alone."""
        before, own = self._read_behind(first, span.before), tuple(tokens)
        return PassageTokens(passage_key(stitching.model, before, own), before, own, span.source)

    def _read_behind(self, first: Message, before: str) -> tuple[int, ...]:
        """The tokens before a passage that is read alone."""
        own = _own(first)
        known = self._before.get((own.content, before))
        if known is None:
            span = PassageSpan(len(before), len(before) + 2, "", before)
            ids, placed = self._encode([own, Message("user", f"{before} x", passages=(span,))])
            known = self._before[own.content, before] = tuple(ids[: placed[0][0]])
        return known


def _own(first: Message) -> Message:
    return Message(first.role, first.content[: first.public])


def _placed(passage: PassageTokens, data: State, rotation: Rotation, anew: int, to: int) -> State | None:
    try:
        state = CellState(data)
        state.check(len(passage.before), len(passage.before) + len(passage.tokens))
        return state.moved(rotation, start=anew, to=to)
    except (UnknownState, ValueError, MemoryError) as error:
        logger.warning("A passage that was kept cannot be used and is read by the model again: %s.", error)
        return None
