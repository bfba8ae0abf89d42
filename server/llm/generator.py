"""The seam to a language model: messages in, text out. Implemented by the local engine and by a remote server.

`generate` yields events until a `Completed`; closing the iterator early (`aclose`) cancels the request and frees its
slot at once, during prefill too.
"""

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeGuard, runtime_checkable

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class PassageSpan:
    """A passage of a document in a message: code points [start, end) of its content."""

    start: int
    end: int
    source: str  # says which words of which document it is, to who keeps what was read of it
    before: str  # the user's text that it is read behind when it is read alone


@dataclass(frozen=True)
class Message:
    role: Role
    content: str
    public: int = field(default=0, compare=False)
    """Characters of the content, from its beginning, that are Docent's own fixed words."""
    passages: tuple[PassageSpan, ...] = field(default=(), compare=False)
    """What of the content may be read apart from all that stands before it, in its order."""


@dataclass(frozen=True)
class Sampling:
    """How to choose tokens. Temperature 0 is greedy."""

    max_tokens: int = 400
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    json_schema: dict[str, Any] | None = None  # {} means any JSON object
    logprobs: int | None = None  # alternatives a token; None: no log probabilities
    top_k: int = 0  # the likeliest tokens to choose from; 0: all
    min_p: float = 0.0  # least probability of a choice, as a share of the likeliest one's
    repeat_penalty: float = 1.0  # divides the scores of tokens that the answer has; 1: off
    presence_penalty: float = 0.0  # taken off the scores of tokens that the answer has
    frequency_penalty: float = 0.0  # the same, for each time it has them
    logit_bias: tuple[tuple[int, float], ...] = ()  # token id and what is added to its score


@dataclass(frozen=True)
class Usage:
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0  # of the prompt: taken from the KV cache, not computed


@dataclass(frozen=True)
class Queued:
    position: int  # requests ahead of this one


@dataclass(frozen=True)
class Prefilling:
    done: int  # prompt tokens
    total: int


@dataclass(frozen=True)
class TokenLogprob:
    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Piece:
    text: str  # never ends in half a character; never holds a stop string
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True)
class Completed:
    reason: Literal["stop", "length"]
    usage: Usage = field(default_factory=Usage)


GenerationEvent = Queued | Prefilling | Piece | Completed


@dataclass(frozen=True)
class GeneratorState:
    """All but `ready` carry a sentence for people in `detail`. `stalled`: it is loaded and does not get on with what it
    was asked."""

    state: Literal["loading", "ready", "stalled", "failed"]
    detail: str = ""


class Generator(Protocol):
    @property
    def name(self) -> str:
        """What `/v1/models` lists and the page shows."""

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together; 0 while not known."""

    @property
    def state(self) -> GeneratorState: ...

    @property
    def drafts(self) -> tuple[int, int]:
        """Tokens that were guessed, and those of them that came next, since the start; 0, 0 where others compute."""

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of the rendered prompt. Raises Unavailable while the model is not ready."""

    def count_text(self, text: str) -> int:
        """Tokens of a stretch of text inside a prompt. Raises Unavailable while the model is not ready."""

    def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[GenerationEvent, None]:
        """Raises ContextTooLong, TooBusy or Unavailable before the first event."""

    async def aclose(self) -> None:
        """Stop the model's thread or connection and give its memory back."""


@runtime_checkable
class KeepsPassages(Protocol):
    """A generator that keeps what it has read of documents."""

    def kept_passages(self, messages: Sequence[Message]) -> Sequence[bool]:
        """Of each passage in these (`Message.passages`), in their order, whether it was read before; the others are
        read when nobody asks anything. None where nothing is kept. Raises Unavailable; blocks.
        """

    def passage_sources(self) -> frozenset[str]:
        """`PassageSpan.source` of everything that is kept."""

    def forget_passages(self, sources: Collection[str]) -> None:
        """Remove what is kept of these."""


class OverGenerator:
    """Implements Generator and KeepsPassages over another generator, to which all is passed on; what is made of it
    overrides `generate`.
    """

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    @property
    def name(self) -> str:
        return self._generator.name

    @property
    def context(self) -> int:
        return self._generator.context

    @property
    def state(self) -> GeneratorState:
        return self._generator.state

    @property
    def drafts(self) -> tuple[int, int]:
        return self._generator.drafts

    def count(self, messages: Sequence[Message]) -> int:
        return self._generator.count(messages)

    def count_text(self, text: str) -> int:
        return self._generator.count_text(text)

    def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[GenerationEvent, None]:
        return self._generator.generate(messages, sampling)

    def kept_passages(self, messages: Sequence[Message]) -> Sequence[bool]:
        return self._generator.kept_passages(messages) if isinstance(self._generator, KeepsPassages) else ()

    def passage_sources(self) -> frozenset[str]:
        return self._generator.passage_sources() if isinstance(self._generator, KeepsPassages) else frozenset()

    def forget_passages(self, sources: Collection[str]) -> None:
        if isinstance(self._generator, KeepsPassages):
            self._generator.forget_passages(sources)

    async def aclose(self) -> None:
        await self._generator.aclose()


def can_write(generator: Generator | None) -> TypeGuard[Generator]:
    """False where there is none, where it failed to load, and while it is stuck."""
    return generator is not None and generator.state.state not in ("failed", "stalled")
