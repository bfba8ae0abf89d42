"""The Generator on another machine: any server that speaks OpenAI's chat completions (vLLM, llama-server, Ollama).

    RemoteGenerator(settings).start()      DOCENT_GENERATOR_URL, DOCENT_GENERATOR_KEY, DOCENT_GENERATOR_MODEL

A thread asks `/models` whether the server is there: every CHECK_SECONDS, sooner while it is not, so that a server
that comes back is used again without a restart. It is no task, since a generator is opened on a thread, for the sake of
the other kind, and so where no event loop runs. A request that fails is the error of one question and brings the next
check forward; one that finds nobody there sets the state at once. Closing `generate`'s iterator closes the connection,
which is how these servers are told to stop. While answers are under way the server is only asked for a sign of life,
because `llama_cpp.server` cuts a running answer short for any request to its model, `/models` included.

Tokens are estimated, since the API has no way to count them: one for each three bytes of UTF-8 and eight for each
message. English has four to five bytes a token in the vocabularies of current models, so the estimate is above the
truth there; text of rare scripts can have fewer bytes a token, and then the other server refuses what is too long.
"""

import logging
import threading
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import httpx

from indexer.errors import StartError
from server.errors import BadRequest, TooBusy, Unavailable
from server.llm.completion_stream import BadStream, CompletionChunk, CompletionStream
from server.llm.generator import (
    Completed,
    GenerationEvent,
    GeneratorState,
    Message,
    Piece,
    Sampling,
    Usage,
)
from server.llm.json_schema import prepared, refused
from server.llm.pace import Pace
from server.llm.remote_check import RemoteModel, RemoteProblem, check_alive, check_server, said
from server.llm.token_text import StopScanner
from server.settings import ServerSettings

logger = logging.getLogger("docent.model")

BYTES_PER_TOKEN = 3
MESSAGE_TOKENS = 8
CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 300.0  # longest wait for the next bytes; a long prompt on a processor takes minutes
CHECK_SECONDS = 10.0
RETRY_SECONDS = 2.0  # between checks while it is down
AT_ONCE = 8  # answers under way beside those that may wait
RETRY_AFTER = 10  # seconds
EMPTY = "The prompt may be too long for it: set DOCENT_CONTEXT to its context. llama_cpp.server fails in this way."
BROKE_OFF = "Ask again. Where that server is llama_cpp.server, start it with --interrupt_requests false."


def remote_address(text: str) -> httpx.URL:
    """The API's address: `/v1` is added to one without a path. Raises StartError."""
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL as error:
        raise _bad_address(f"{error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise _bad_address("it does not begin with http:// or https:// and a host")
    if url.userinfo:
        raise _bad_address("it holds a password; set DOCENT_GENERATOR_KEY instead")
    if url.query or url.fragment:
        raise _bad_address("it has a query")
    return url.copy_with(path=url.path.rstrip("/") or "/v1")


class RemoteGenerator:
    """Implements generator.Generator. Raises StartError for an address that cannot be one."""

    def __init__(
        self,
        settings: ServerSettings,
        *,
        silence: float = SILENCE_SECONDS,
        check: float = CHECK_SECONDS,
        retry: float = RETRY_SECONDS,
    ) -> None:
        """All times in seconds."""
        self._url = remote_address(settings.generator_url)
        self._settings = settings
        self._check_seconds, self._retry_seconds = check, retry
        self._model = RemoteModel(settings.generator_model)
        self._state = GeneratorState("loading", f"The language model at {self._url.host} is asked for.")
        self._lock = threading.Lock()  # over the state
        self._wake = threading.Event()
        self._closed = False
        self._running = 0
        self._pace = Pace()
        self._schema_in_object = False  # whether the server takes a JSON schema as part of `json_object` only
        key = settings.generator_key
        self._headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)  # a kept one may be closed over there
        self._client = httpx.AsyncClient(
            headers=self._headers, timeout=httpx.Timeout(silence, connect=CONNECT_SECONDS), limits=limits
        )
        self._thread = threading.Thread(target=self._watch, name="docent-remote", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def name(self) -> str:
        return self._model.name or self._url.host

    @property
    def context(self) -> int:
        if self._state.state != "ready":
            return 0
        return min(self._settings.context, self._model.context or self._settings.context)

    @property
    def state(self) -> GeneratorState:
        return self._state

    @property
    def drafts(self) -> tuple[int, int]:
        return 0, 0

    def count(self, messages: Sequence[Message]) -> int:
        self._ready()
        return estimate_messages(messages)

    def count_text(self, text: str) -> int:
        self._ready()
        return estimate_tokens(text)

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[GenerationEvent, None]:
        self._ready()
        if self._running >= self._settings.queue + AT_ONCE:
            after = self._pace.come_back(1, 1)  # an answer's time there has its wait in it
            raise TooBusy(
                f"{self._running} questions already wait for the language model.",
                f"Ask again in {after} seconds.",
                retry_after=after,
            )
        self._running += 1
        began = time.monotonic()
        try:
            async with aclosing(self._request(messages, sampling)) as events:
                async for event in events:
                    yield event
        except httpx.ConnectError as error:
            self._set_state(GeneratorState("failed", self._sentence("cannot be reached: check that its server runs")))
            raise self._failed("cannot be reached") from error
        except httpx.TimeoutException as error:
            raise self._failed("did not answer in time") from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise self._failed("broke off") from error
        except BadStream as error:
            raise Unavailable(
                f"The language model at {self._url.host} cannot be used: {error}.", error.advice
            ) from error
        finally:
            self._pace.note(time.monotonic() - began)
            self._running -= 1

    async def aclose(self) -> None:
        self._closed = True
        self._wake.set()
        await self._client.aclose()
        with self._lock:
            self._state = GeneratorState("failed", "The language model's connection was closed.")

    def _ready(self) -> None:
        state = self._state
        if state.state != "ready":
            raise Unavailable(state.detail, code=f"model_{state.state}")

    async def _request(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[GenerationEvent, None]:
        prompt = estimate_messages(messages)
        room = max(1, self.context - prompt)
        body = request_body(
            self._model.name,
            messages,
            sampling,
            min(sampling.max_tokens, room),
            schema_in_object=self._schema_in_object,
        )
        async with self._client.stream("POST", f"{self._url}/chat/completions", json=body) as response:
            if response.status_code != httpx.codes.OK:
                refusal = await self._refused(response)
                if self._schema_in_object or not sampling.json_schema or "json_object" not in str(refusal):
                    raise refusal
                self._schema_in_object = (
                    True  # its words name the forms that it takes: llama_cpp.server's has the other
                )
                async for event in self._request(messages, sampling):
                    yield event
                return
            answer = _ChunkAnswer(sampling, prompt)
            stream = CompletionStream()
            async for data in response.aiter_bytes():
                for chunk in stream.feed(data):
                    for event in answer.feed(chunk):
                        yield event
                if stream.ended or answer.stopped:
                    break
            for chunk in stream.flush():
                for event in answer.feed(chunk):
                    yield event
        for event in answer.flush():
            yield event

    async def _refused(self, response: httpx.Response) -> Exception:
        """What a status other than 200 means."""
        body = b""
        async for data in response.aiter_bytes():
            body += data
            if len(body) > 1 << 16:
                break
        words = said(body)
        status, host = response.status_code, self._url.host
        if status == httpx.codes.TOO_MANY_REQUESTS:
            wait = response.headers.get("retry-after", "")
            after = min(int(wait), 3600) if wait.isascii() and wait.isdigit() else RETRY_AFTER
            return TooBusy(
                f"The language model at {host} is busy.", f"Ask again in {after} seconds.", retry_after=after
            )
        if status in (400, 413, 422):
            too_long = "context" in words.lower() or "context_length" in words
            code = "context_length_exceeded" if too_long else None
            param = "messages" if too_long else None
            return BadRequest(f"The language model at {host} refuses the request: {words}.", param=param, code=code)
        return self._failed(RemoteProblem.of_status(status, words, self._model.name).what)

    def _failed(self, what: str) -> Unavailable:
        """An error of one question. Whether others can be asked is what the check finds that it brings forward."""
        self._wake.set()
        return Unavailable(self._sentence(what), "Ask again in a moment.", code="model_failed")

    def _sentence(self, what: str) -> str:
        return f"The language model at {self._url.host} {what}."

    def _watch(self) -> None:
        """The thread's loop."""
        timeout = httpx.Timeout(CONNECT_SECONDS)
        with httpx.Client(headers=self._headers, timeout=timeout) as client:
            while not self._closed:
                self._check(client)
                ready = self._state.state == "ready"
                if self._wake.wait(self._check_seconds if ready else self._retry_seconds) and not self._closed:
                    self._wake.clear()

    def _check(self, client: httpx.Client) -> None:
        try:
            if self._running and self._model.name:
                check_alive(client, self._url)
            else:
                self._model = check_server(client, self._url, self._settings.generator_model)
            state = GeneratorState("ready")
        except RemoteProblem as problem:
            state = GeneratorState("failed", self._sentence(problem.what))
        except Exception:  # the thread must outlive whatever a server sends
            logger.exception("the language model's server could not be checked")
            state = GeneratorState("failed", self._sentence("could not be checked"))
        self._set_state(state)

    def _set_state(self, state: GeneratorState) -> None:
        with self._lock:
            if self._closed:
                return
            if state.state == "failed" and state.detail != self._state.detail:
                logger.error("%s", state.detail)
            self._state = state


class _ChunkAnswer:
    """Chunks of one request, turned into the events of the seam."""

    def __init__(self, sampling: Sampling, prompt_tokens: int) -> None:
        self._scanner = StopScanner(sampling.stop)
        self._usage: Usage | None = None
        self._prompt_tokens, self._pieces = prompt_tokens, 0
        self._reason: str | None = None

    @property
    def stopped(self) -> bool:
        return self._scanner.stopped

    def feed(self, chunk: CompletionChunk) -> list[GenerationEvent]:
        if chunk.error is not None:
            raise Unavailable(f"The language model's server stopped with an error: {chunk.error.message[:300]}")
        self._usage = chunk.used or self._usage
        self._reason = chunk.finish_reason or self._reason
        self._pieces += bool(chunk.text)
        text = self._scanner.feed(chunk.text)
        return [Piece(text, chunk.tokens)] if text or chunk.tokens else []

    def flush(self) -> list[GenerationEvent]:
        """Raises BadStream for an answer that broke off; `[DONE]` alone does not say that it is whole."""
        if self._reason is None and not self.stopped:
            raise BadStream("its answer broke off", BROKE_OFF) if self._pieces else BadStream("it sent nothing", EMPTY)
        rest = self._scanner.flush()
        usage = self._usage or Usage(self._prompt_tokens, self._pieces)
        completed = Completed("length" if self._reason == "length" and not self.stopped else "stop", usage)
        return [*([Piece(rest)] if rest else []), completed]


def estimate_tokens(text: str) -> int:
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def estimate_messages(messages: Sequence[Message]) -> int:
    return sum(estimate_tokens(message.content) + MESSAGE_TOKENS for message in messages)


def request_body(
    model: str, messages: Sequence[Message], sampling: Sampling, max_tokens: int, *, schema_in_object: bool = False
) -> dict[str, Any]:
    """The JSON of a chat completion request; what is at its default is left out."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": message.role, "content": message.content} for message in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": max_tokens,
        "temperature": sampling.temperature,
    }
    if sampling.top_p < 1:
        body["top_p"] = sampling.top_p
    for name in ("top_k", "min_p", "presence_penalty", "frequency_penalty"):
        if value := getattr(sampling, name):
            body[name] = value
    if sampling.repeat_penalty != 1:  # llama.cpp's name and vLLM's
        body |= {"repeat_penalty": sampling.repeat_penalty, "repetition_penalty": sampling.repeat_penalty}
    if sampling.logit_bias:
        body["logit_bias"] = {str(token): bias for token, bias in sampling.logit_bias}
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if sampling.logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": sampling.logprobs}
    if sampling.json_schema is not None:
        body["response_format"] = _response_format(sampling.json_schema, in_object=schema_in_object)
    return body


def _response_format(schema: dict[str, Any], *, in_object: bool) -> dict[str, Any]:
    """Raises BadRequest for a schema that this server would refuse for its size, before the other one is given it."""
    if not schema:
        return {"type": "json_object"}
    try:
        prepared(schema)
    except ValueError as error:
        raise refused(error) from error
    if in_object:
        return {"type": "json_object", "schema": schema}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def _bad_address(why: str) -> StartError:
    return StartError(
        f"DOCENT_GENERATOR_URL cannot be used: {why}.",
        "Give the address of an OpenAI-compatible API, such as http://gpu-server:8080/v1.",
    )
