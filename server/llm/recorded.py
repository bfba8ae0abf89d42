"""A generator whose greedy answers are kept in files, so that no evaluation generates the same answer twice.

    RecordedGenerator(generator, folder, model)        DOCENT_RECORDINGS names the folder

An answer's name is a hash of all that it depends on: the model, the messages, the sampling, and the room for an answer
where the context leaves less than was asked for. A recording of which the same messages made another number of prompt
tokens (another chat template) does not count. What is not greedy is not kept, nor an answer that was stopped. It is for
measuring: what comes from a file takes no time, so times measured with it say nothing.
"""

import asyncio
import dataclasses
import hashlib
import json
import logging
import os
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from pathlib import Path

from indexer.errors import StartError
from server.llm.generator import (
    Completed,
    GenerationEvent,
    Generator,
    Message,
    OverGenerator,
    Piece,
    Prefilling,
    Sampling,
    TokenLogprob,
    Usage,
)

logger = logging.getLogger("docent.model")


class RecordedGenerator(OverGenerator):
    """Implements generator.Generator. Raises StartError where the folder cannot be made."""

    def __init__(self, generator: Generator, folder: Path, model: str = "") -> None:
        """`model` tells it from every other, see `model_identity`; without it the generator's name does."""
        super().__init__(generator)
        self._folder = folder
        self._model = model
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # prompts hold text of the documents
        except OSError as error:
            raise StartError(
                f"The folder {folder} for recorded answers cannot be made: {error.strerror}.",
                "Let DOCENT_RECORDINGS name another.",
            ) from error

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[GenerationEvent, None]:
        if sampling.temperature > 0:
            async with aclosing(self._generator.generate(messages, sampling)) as generated:
                async for event in generated:
                    yield event
            return
        counted = await asyncio.to_thread(self.count, messages)
        room = min(sampling.max_tokens, self.context - counted)
        name = _key(self._model or self.name, messages, dataclasses.replace(sampling, max_tokens=room))
        path = self._folder / f"{name}.json"
        kept = await asyncio.to_thread(_read, path, counted)
        if kept is not None:
            for event in kept:
                yield event
            return
        events: list[GenerationEvent] = []
        async with aclosing(self._generator.generate(messages, sampling)) as generated:
            async for event in generated:
                events.append(event)
                if isinstance(event, Completed):  # before it is passed on: who has it may ask for nothing more
                    await asyncio.to_thread(_write, path, messages, counted, events)
                yield event


def model_identity(files: Sequence[Path], settings: Sequence[object]) -> str:
    """Tells models apart by what is in their files, wherever and whenever they were written. Raises OSError.

    They are read whole, a gigabyte in some seconds: of two fine-tunings only few bytes may differ.
    """
    found = hashlib.sha256(repr(list(settings)).encode())
    for path in files:
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


def _key(model: str, messages: Sequence[Message], sampling: Sampling) -> str:
    asked = {"model": model, "messages": [(m.role, m.content) for m in messages], **dataclasses.asdict(sampling)}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]


def _read(path: Path, counted: int) -> list[GenerationEvent] | None:
    """None where nothing is kept, or what is kept is damaged or of another prompt."""
    try:
        kept = json.loads(path.read_bytes())
        if kept.get("counted", counted) != counted:
            return None
        usage = Usage(**kept["usage"])
        pieces = [Piece(str(text), tuple(map(_logprob, logprobs))) for text, logprobs in kept["pieces"]]
        if kept["reason"] not in ("stop", "length"):
            raise ValueError(f"it ended for the reason {kept['reason']!r}")
        return [Prefilling(usage.prompt_tokens, usage.prompt_tokens), *pieces, Completed(kept["reason"], usage)]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        logger.warning("The recorded answer %s cannot be read and is generated anew: %s.", path, error)
        return None


def _logprob(kept: tuple[str, float, list[tuple[str, float]]]) -> TokenLogprob:
    token, logprob, top = kept
    return TokenLogprob(token, logprob, tuple((text, value) for text, value in top))


def _write(path: Path, messages: Sequence[Message], counted: int, events: Sequence[GenerationEvent]) -> None:
    """An answer that cannot be kept was given all the same."""
    completed = next(event for event in events if isinstance(event, Completed))
    kept = {
        "messages": [dataclasses.astuple(message) for message in messages],
        "counted": counted,
        "pieces": [dataclasses.astuple(event) for event in events if isinstance(event, Piece)],
        "reason": completed.reason,
        "usage": dataclasses.asdict(completed.usage),
    }
    draft = path.with_suffix(f".{secrets.token_hex(8)}")
    try:
        draft.write_text(json.dumps(kept, indent=1), encoding="utf-8")
        os.replace(draft, path)  # noqa: PTH105 (the atomic replacement)
    except OSError as error:
        logger.warning("The answer could not be recorded in %s: %s.", path.parent, error.strerror)
        with suppress(OSError):
            draft.unlink(missing_ok=True)
