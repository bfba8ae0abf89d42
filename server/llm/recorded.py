"""A generator whose greedy answers are kept in files, so that no evaluation generates the same answer twice.

    RecordedGenerator(generator, folder)        DOCENT_RECORDINGS names the folder

An answer's name is a hash of all that it depends on: the model's file, the messages, the sampling. What is not greedy
is not kept. It is for measuring: what comes from a file takes no time, so times measured with it say nothing.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

from server.llm.generator import (
    Completed,
    GenerationEvent,
    Generator,
    GeneratorState,
    Message,
    Piece,
    Prefilling,
    Sampling,
    TokenLogprob,
    Usage,
)


class RecordedGenerator:
    """Implements generator.Generator."""

    def __init__(self, generator: Generator, folder: Path) -> None:
        self._generator = generator
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

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

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[GenerationEvent, None]:
        if sampling.temperature > 0:
            async for event in self._generator.generate(messages, sampling):
                yield event
            return
        path = self._folder / f"{_key(self.name, messages, sampling)}.json"
        if path.is_file():
            for kept in _read(path):
                yield kept
            return
        events: list[GenerationEvent] = []
        async with aclosing(self._generator.generate(messages, sampling)) as generated:
            async for event in generated:
                events.append(event)
                yield event
        _write(path, messages, events)

    async def aclose(self) -> None:
        await self._generator.aclose()


def _key(model: str, messages: Sequence[Message], sampling: Sampling) -> str:
    asked = {"model": model, "messages": [dataclasses.astuple(m) for m in messages], **dataclasses.asdict(sampling)}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]


def _read(path: Path) -> list[GenerationEvent]:
    kept = json.loads(path.read_text(encoding="utf-8"))
    usage = Usage(**kept["usage"])
    events: list[GenerationEvent] = [Prefilling(usage.prompt_tokens, usage.prompt_tokens)]
    events += [Piece(text, tuple(map(_logprob, logprobs))) for text, logprobs in kept["pieces"]]
    return [*events, Completed(kept["reason"], usage)]


def _logprob(kept: tuple[str, float, list[tuple[str, float]]]) -> TokenLogprob:
    token, logprob, top = kept
    return TokenLogprob(token, logprob, tuple((text, value) for text, value in top))


def _write(path: Path, messages: Sequence[Message], events: Sequence[GenerationEvent]) -> None:
    completed = next(event for event in events if isinstance(event, Completed))
    kept = {
        "messages": [dataclasses.astuple(message) for message in messages],
        "pieces": [dataclasses.astuple(event) for event in events if isinstance(event, Piece)],
        "reason": completed.reason,
        "usage": dataclasses.asdict(completed.usage),
    }
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(kept, ensure_ascii=False, indent=1), encoding="utf-8")
    os.replace(draft, path)  # noqa: PTH105 (the atomic replacement)
