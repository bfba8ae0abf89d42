"""The bytes of another server's streamed chat completion, as chunks (pure; feed until `ended`, then `flush`).

Reads server-sent events as OpenAI-compatible servers send them: one JSON object in each `data:` line, `[DONE]` at the
end. Comments and other fields are passed over. Raises BadStream for what is none of that; never holds more than
MAX_LINE bytes.
"""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from server.llm.generator import TokenLogprob, Usage

MAX_LINE = 1 << 20  # bytes; a chunk with twenty alternatives to its token takes some two thousand


class BadStream(Exception):  # noqa: N818 (what it is)
    """What came is not a streamed chat completion; the message is part of a sentence, the advice one of its own."""

    def __init__(
        self, what: str, advice: str = "Check that DOCENT_GENERATOR_URL is the address of an OpenAI-compatible API."
    ) -> None:
        super().__init__(what)
        self.advice = advice


class _Alternative(BaseModel):
    token: str
    logprob: float


class _Token(_Alternative):
    top_logprobs: list[_Alternative] = Field(default_factory=list)


class _Logprobs(BaseModel):
    content: list[_Token] | None = None


class _Delta(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    delta: _Delta = Field(default_factory=_Delta)
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Cached(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Cached | None = None


class _Error(BaseModel):
    message: str = "it does not say why"


def _as_error(value: object) -> object:
    return {"message": value} if isinstance(value, str) else value


class CompletionChunk(BaseModel):
    """One event of the stream."""

    choices: list[_Choice] = Field(default_factory=list)
    usage: _Usage | None = None
    error: Annotated[_Error | None, BeforeValidator(_as_error)] = None

    @property
    def text(self) -> str:
        return "".join(choice.delta.content or "" for choice in self.choices[:1])

    @property
    def finish_reason(self) -> str | None:
        return self.choices[0].finish_reason if self.choices else None

    @property
    def tokens(self) -> tuple[TokenLogprob, ...]:
        found = self.choices[0].logprobs if self.choices else None
        return tuple(
            TokenLogprob(one.token, one.logprob, tuple((other.token, other.logprob) for other in one.top_logprobs))
            for one in (found.content if found and found.content else [])
        )

    @property
    def used(self) -> Usage | None:
        if self.usage is None:
            return None
        cached = self.usage.prompt_tokens_details
        return Usage(
            self.usage.prompt_tokens, self.usage.completion_tokens, (cached.cached_tokens or 0) if cached else 0
        )


class CompletionStream:
    """Incremental: any split of the bytes gives the same chunks."""

    def __init__(self) -> None:
        self._rest = b""
        self.ended = False  # [DONE] was there

    def feed(self, data: bytes) -> list[CompletionChunk]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE:
            raise BadStream("it sent a line without an end")
        return [chunk for line in lines if (chunk := self._read(line)) is not None]

    def flush(self) -> list[CompletionChunk]:
        line, self._rest = self._rest, b""
        chunk = self._read(line)
        return [] if chunk is None else [chunk]

    def _read(self, line: bytes) -> CompletionChunk | None:
        line = line.strip()
        if self.ended or not line or line.startswith((b":", b"event:", b"id:", b"retry:")):
            return None
        if not line.startswith(b"data:"):
            raise BadStream("it sent something else than a streamed chat completion")
        data = line.removeprefix(b"data:").strip()
        if data == b"[DONE]":
            self.ended = True
            return None
        try:
            return CompletionChunk.model_validate_json(data)
        except ValidationError:
            raise BadStream("it sent something else than a streamed chat completion") from None
