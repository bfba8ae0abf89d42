"""The Generator on this machine: messages in, text out, with a GGUF that llama.cpp runs in a thread of its own.

    open_generator(settings)     the model in use, loading in the background; None when no model is installed

Messages become segments (chat_template.py), segments token ids (prompt_tokens.py), the engine answers with token ids
(engine/), and those become text again (token_text.py). Closing `generate`'s iterator frees the slot at once.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import DocentError
from server.engine.grammar import Grammars
from server.engine.hot_prefixes import HotPrefixes
from server.engine.llama import Context, Model, build
from server.engine.memory_fit import Fit, gib
from server.engine.passage_reading import PassageReader
from server.engine.passage_store import PassageFigures
from server.engine.scheduler import Event, Failed, Finished, PrefillProgress, Request, Sampled, Waiting
from server.engine.slots import CACHED_SEQUENCES
from server.engine.state_folder import StateFolder, model_key, remove_saved
from server.engine.token_sampling import Pick, TokenSampling
from server.engine.vocabulary import Vocabulary
from server.engine.worker import Loaded, QueueFull, Stopped, Worker
from server.errors import BadRequest, ContextTooLong, TooBusy, Unavailable
from server.llm.adapters import adapters, check_adapter
from server.llm.chat_template import ChatTemplate, choose_template
from server.llm.generator import (
    Completed,
    GenerationEvent,
    GeneratorState,
    Message,
    Piece,
    Prefilling,
    Queued,
    Sampling,
    TokenLogprob,
    Usage,
)
from server.llm.json_schema import prepared, refused
from server.llm.machine import ROWS, SLOTS, cores, fit_here, free_memory, read_model_header
from server.llm.model_files import model_name, model_title, resolve_model
from server.llm.pace import Pace
from server.llm.prompt_passages import Prompts, Stitching
from server.llm.prompt_tokens import PromptTokenizer
from server.llm.stitching import forget_all, open_stitching
from server.llm.token_text import StopScanner, Utf8Stream
from server.settings import ServerSettings

logger = logging.getLogger("docent.model")

BYTES_PER_TOKEN = 32  # a text of more than this for each token of the context cannot fit and is not tokenised
STATE_FOLDER = "state"  # in the data folder
CLOSE_SECONDS = 3.0  # the thread is left behind if it does not end by then
STALLED_SECONDS = 20.0  # at one step, after which nobody should be sent to wait behind it


def open_generator(settings: ServerSettings) -> "LocalGenerator | None":
    """The model in use, loading in the background. None without a model. Raises ModelNotFound for a wrong name."""
    path = resolve_model(settings)
    if path is None:
        return None
    generator = LocalGenerator(path, settings)
    generator.start()
    return generator


@dataclass(frozen=True)
class _Codec:
    """What makes token ids of messages and text of token ids, once the model is loaded."""

    vocabulary: Vocabulary
    prompts: Prompts
    template: ChatTemplate
    grammars: Grammars
    context: int  # tokens
    slots: int  # answers at once


class LocalGenerator:
    """Implements generator.Generator and generator.KeepsPassages."""

    def __init__(
        self, path: Path, settings: ServerSettings, *, available_memory: Callable[[], int] | None = None
    ) -> None:
        self._path = path
        self._settings = settings
        self._available_memory = available_memory or free_memory
        self._title = model_title(path)
        self._state = GeneratorState("loading", f"{self._title} loads.")
        self._codec: _Codec | None = None
        self._stitching: Stitching | None = None
        self._pace = Pace()
        self._worker = Worker(
            self._load,
            slots=SLOTS,
            queue_limit=settings.queue,
            on_failure=self._note_failure,
            speculates=settings.speculation,
        )

    def start(self) -> None:
        self._worker.start()

    @property
    def name(self) -> str:
        return model_name(self._path)

    @property
    def context(self) -> int:
        codec = self._codec
        return codec.context if codec else 0

    @property
    def state(self) -> GeneratorState:
        seconds = self._worker.step_seconds
        if self._state.state == "ready" and seconds > STALLED_SECONDS:
            return GeneratorState("stalled", f"{self._title} has not got on with its work for {seconds:.0f} seconds.")
        return self._state

    @property
    def drafts(self) -> tuple[int, int]:
        return self._worker.drafts

    def count(self, messages: Sequence[Message]) -> int:
        codec = self._ready()
        _check_size(codec, messages)
        return codec.prompts.count(messages)

    def count_text(self, text: str) -> int:
        return len(self._ready().vocabulary.tokenize(text))

    @property
    def passages(self) -> PassageFigures | None:
        """None where passages are not stitched."""
        stitching = self._stitching
        return stitching.store.figures() if stitching else None

    def kept_passages(self, messages: Sequence[Message]) -> Sequence[bool]:
        codec = self._ready()
        if self._stitching is None:
            return ()
        kept = codec.prompts.kept(messages)
        self._worker.wake()
        return kept

    def passage_sources(self) -> frozenset[str]:
        stitching = self._stitching
        return stitching.store.sources() if stitching else frozenset()

    def forget_passages(self, sources: Collection[str]) -> None:
        stitching = self._stitching
        count = stitching.store.forget(sources) if stitching else 0
        if count:
            logger.info("%d passages are forgotten: their documents are gone or say something else now.", count)

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncGenerator[GenerationEvent, None]:
        codec = self._ready()
        _check_size(codec, messages)
        prompt = await asyncio.to_thread(codec.prompts.make, messages)
        room = codec.context - len(prompt.tokens)
        if room < 1:
            raise ContextTooLong(len(prompt.tokens), codec.context - 1)
        token_sampling = await asyncio.to_thread(_token_sampling, sampling, codec)
        events: asyncio.Queue[Event] = asyncio.Queue()
        most = max(1, min(sampling.max_tokens, room))
        request = Request(0, prompt.tokens, most, token_sampling, prompt.public, prompt.passages, prompt.fork)
        request_id, ahead = self._submit(request, events)
        answer = _TokenAnswer(codec.vocabulary, sampling, codec.template.stops, len(prompt.tokens))
        began: float | None = None  # when it had a slot
        try:
            if ahead is not None:
                yield Queued(ahead)
            while not answer.complete:
                event = await events.get()
                if began is None and not isinstance(event, Waiting):
                    began = time.monotonic()
                for said in answer.feed(event):
                    yield said
        finally:
            self._worker.cancel(request_id)
            if began is not None:
                self._pace.note(time.monotonic() - began)

    async def aclose(self) -> None:
        await asyncio.to_thread(self._worker.close, CLOSE_SECONDS)
        if self._stitching is not None:
            await asyncio.to_thread(self._stitching.store.close)
            logger.info("%s", self._stitching.store.figures())
        self._codec = None
        if self._state.state != "failed":
            self._state = GeneratorState("failed", f"{self._title} was stopped.")

    def _ready(self) -> _Codec:
        codec, state = self._codec, self._state
        if codec is None or state.state != "ready":
            raise Unavailable(state.detail or "The language model is not ready.", code=f"model_{state.state}")
        return codec

    def _submit(self, request: Request, events: "asyncio.Queue[Event]") -> tuple[int, int | None]:
        loop = asyncio.get_running_loop()

        def emit(event: Event) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(events.put_nowait, event)

        try:
            return self._worker.submit(request, emit)
        except Stopped:
            raise Unavailable(f"{self._title} was stopped.") from None
        except QueueFull:
            waiting = self._settings.queue
            after = self._pace.come_back(waiting, self._ready().slots)
            raise TooBusy(
                f"{waiting} questions already wait for the language model.",
                f"Ask again in {after} seconds.",
                retry_after=after,
            ) from None

    def _load(self) -> Loaded:
        """Runs on the worker's thread."""
        header, settings = read_model_header(self._path), self._settings
        free, threads = self._available_memory(), settings.threads or cores()
        chosen = adapters(settings)
        for adapter in chosen:
            check_adapter(adapter, header)
        beside = sum(adapter.size for adapter in chosen)
        fit = fit_here(header, settings, free, beside)
        name = ", ".join([self._path.name, *map(str, chosen)])
        logger.info("%s: %s of %s free; %d threads", name, fit, gib(free), threads)
        model = Model(
            self._path,
            gpu_layers=settings.gpu_layers,
            rope_length=fit.rope_length,
            progress=self._note_progress,
        )
        vocabulary = Vocabulary(model)
        template = choose_template(
            header.chat_template,
            header.architecture,
            frozenset(special.text for special in vocabulary.specials),
            bos=vocabulary.text_of(vocabulary.bos),
            eos=vocabulary.text_of(vocabulary.eos),
        )
        cached = CACHED_SEQUENCES if model.can_share_prefixes else 0  # each has a whole state where none is shared
        context = Context(
            model,
            vocabulary,
            cells=fit.cells,
            sequences=fit.slots + cached,
            batch=ROWS,
            threads=threads,
            adapters=[(model.load_adapter(adapter.path), adapter.scale) for adapter in chosen],
        )
        files = [self._path, *(adapter.path for adapter in chosen)]
        scales = [adapter.scale for adapter in chosen]
        # what a passage's cells are does not depend on how many there is room for
        passages = model_key(files, [build(), "passages", fit.rope_length, *scales])
        stitching = self._stitching = open_stitching(self._settings, context, model.rope, header, passages)
        hot = self._open_state(context, fit, model_key(files, [build(), fit.context, *scales]))
        prompts, grammars = Prompts(template, PromptTokenizer(vocabulary), stitching), Grammars(vocabulary)
        self._codec = _Codec(vocabulary, prompts, template, grammars, fit.context, fit.slots)
        self._state = GeneratorState("ready")
        reader = PassageReader(stitching.store, context) if stitching else None
        return Loaded(context, fit.slots, fit.cells, fit.offload_cells, hot, reader)

    def _open_state(self, context: Context, fit: Fit, key: str) -> HotPrefixes | None:
        """Saved states of this model and these settings. None: none are kept."""
        folder = self._settings.data / STATE_FOLDER
        if not self._settings.state_mb:
            remove_saved(folder)
            return None
        return HotPrefixes(StateFolder(folder, key, self._settings.state_mb << 20), context, fit.copy_bytes)

    def _note_progress(self, fraction: float) -> bool:
        self._state = GeneratorState("loading", f"{self._title} loads ({fraction:.0%}).")
        return not self._worker.closing

    def _note_failure(self, error: Exception) -> None:
        self._codec = None
        if self._stitching is None and not self._worker.closing:
            forget_all(self._settings)  # of a model that has not loaded, nothing would go with its document
        text = str(error) if isinstance(error, DocentError) else "The language model stopped with an internal error."
        self._state = GeneratorState("failed", text)
        logger.error("%s", text)


class _TokenAnswer:
    """The engine's events of one request, turned into those of the seam."""

    def __init__(self, vocabulary: Vocabulary, sampling: Sampling, stops: tuple[str, ...], prompt_tokens: int) -> None:
        self._vocabulary = vocabulary
        self._with_logprobs = sampling.logprobs is not None
        self._characters = Utf8Stream()
        self._scanner = StopScanner((*sampling.stop, *stops))
        self._prompt_tokens = prompt_tokens
        self._tokens = self._cached = 0
        self._logprobs: list[TokenLogprob] = []
        self.complete = False

    def feed(self, event: Event) -> list[GenerationEvent]:
        match event:
            case Waiting(position):
                return [Queued(position)]
            case PrefillProgress(done, total, cached):
                self._cached = cached
                return [Prefilling(done, total)]
            case Sampled(pick):
                return self._feed_token(pick)
            case Finished(reason):
                return [*self._piece(self._scanner.flush(), last=True), self._completed(reason)]
            case Failed(what, fault):
                raise BadRequest(what) if fault == "request" else Unavailable(what, "Ask again.")

    def _feed_token(self, pick: Pick) -> list[GenerationEvent]:
        self._tokens += 1
        data = self._vocabulary.piece(pick.token)
        if self._tokens == 1 and self._vocabulary.is_sentencepiece:
            data = data.removeprefix(b" ")  # the space that SentencePiece puts before the first word
        if self._with_logprobs:
            top = tuple((self._token_text(token), logprob) for token, logprob in pick.top)
            self._logprobs.append(TokenLogprob(self._token_text(pick.token), pick.logprob, top))
        text = self._scanner.feed(self._characters.feed(data))
        if self._scanner.stopped:
            return [*self._piece(text, last=True), self._completed("stop")]
        return self._piece(text)

    def _piece(self, text: str, last: bool = False) -> list[GenerationEvent]:
        if not text and not (last and self._logprobs):
            return []
        logprobs, self._logprobs = tuple(self._logprobs), []
        return [Piece(text, logprobs)]

    def _completed(self, reason: str) -> Completed:
        self.complete = True
        usage = Usage(self._prompt_tokens, self._tokens, self._cached)
        return Completed("length" if reason == "length" else "stop", usage)

    def _token_text(self, token: int) -> str:
        return self._vocabulary.piece(token).decode("utf-8", "replace")


def _check_size(codec: _Codec, messages: Sequence[Message]) -> None:
    """Raises ContextTooLong for what is not even worth being tokenised."""
    size = sum(len(message.content.encode("utf-8", "replace")) for message in messages)
    if size > BYTES_PER_TOKEN * codec.context:
        raise ContextTooLong(size // 4, codec.context - 1)  # a guess: it is too long by far


def _token_sampling(sampling: Sampling, codec: _Codec) -> TokenSampling:
    """Raises BadRequest for a JSON schema that no grammar can be made of, and for tokens that do not exist."""
    size = codec.vocabulary.size
    unknown = [token for token, _ in sampling.logit_bias if not 0 <= token < size]
    if unknown:
        raise BadRequest(
            f"The model has no token {unknown[0]}: its tokens are numbered 0 to {size - 1}.",
            param="logit_bias",
        )
    grammar = None
    if sampling.json_schema is not None:
        try:
            grammar = codec.grammars.of_schema(prepared(sampling.json_schema))
        except ValueError as error:
            raise refused(error) from error
    seed = secrets.randbits(32) if sampling.seed is None else sampling.seed
    return TokenSampling(
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        seed=seed,
        grammar=grammar,
        logprobs=sampling.logprobs,
        top_k=min(sampling.top_k, size),
        min_p=sampling.min_p,
        repeat_penalty=sampling.repeat_penalty,
        presence_penalty=sampling.presence_penalty,
        frequency_penalty=sampling.frequency_penalty,
        logit_bias=sampling.logit_bias,
    )
