"""What the engine adds to llama.cpp and what it saves: token ids in, token ids out, no HTTP.

    python benchmarks/engine.py MODEL.gguf [--threads 2] [--rounds 3] [--only NAME ...]

decode        1, 4 and 8 streams against a bare llama_decode loop at the same depth and batch; Python's share of a step
second-turn   time to the first token of a second turn over the same passages, as a share of the first turn's
restart       time to the first token after a restart, its 1,000-token beginning on disk, as a share of the cold one's
cancel        seconds from a cancel in the middle of a 2,000-token prefill until its slot is free
beside        a 1,000-token prefill beside three streams: p95 of their gaps, and the prefill's speed, against alone

The two sides of a figure take turns in one process; a figure is the median of the rounds' ratios, since seconds do not
carry over to another machine. `benchmarks/peers.py` compares whole servers. The last line is JSON.
"""

import argparse
import ctypes
import itertools
import json
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import llama_cpp

from server.engine.hot_prefixes import HotPrefixes
from server.engine.llama import Context, Model
from server.engine.scheduler import PIECE, Event, Failed, Finished, PrefillProgress, Row, Sampled
from server.engine.slots import CACHED_SEQUENCES
from server.engine.state_folder import StateFolder
from server.engine.token_sampling import TokenSampling
from server.engine.vocabulary import Vocabulary
from server.engine.worker import Loaded, Worker

DEPTH = 64  # tokens in the cache of a stream before it is timed
STEPS = 32
FIRST_WORD = 1000  # ids below are bytes, marks and the like
CANCEL_AFTER = 2.0  # seconds of prefill

Figures = dict[str, Any]


class TimedContext(Context):
    """A context that knows how long llama.cpp itself has worked."""

    seconds = 0.0
    batches = 0

    def decode(self, rows: Sequence[Row]) -> bool:
        started = time.perf_counter()
        done = super().decode(rows)
        self.seconds += time.perf_counter() - started
        self.batches += 1
        return done


class Stream:
    """The events of one request, each with when it came."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.events: list[tuple[float, Event]] = []
        self._changed = threading.Condition()

    def emit(self, event: Event) -> None:
        with self._changed:
            self.events.append((time.perf_counter(), event))
            self._changed.notify_all()

    def wait(self, until: Callable[["Stream"], bool]) -> "Stream":
        with self._changed:
            self._changed.wait_for(lambda: until(self) or isinstance(self.events[-1:] and self.events[-1][1], Failed))
        if self.events and isinstance(self.events[-1][1], Failed):
            raise SystemExit(f"The engine failed: {self.events[-1][1].what}")
        return self

    @property
    def times(self) -> list[float]:
        """When each token came."""
        return [at for at, event in self.events if isinstance(event, Sampled)]

    @property
    def tokens(self) -> list[int]:
        return [event.pick.token for _, event in self.events if isinstance(event, Sampled)]

    @property
    def first(self) -> float:
        """Seconds to the first token."""
        return self.times[0] - self.started

    @property
    def finished(self) -> bool:
        return bool(self.events) and isinstance(self.events[-1][1], Finished)


class Engine:
    """A worker over a model, for one benchmark. With `saved`, hot beginnings are kept in that folder."""

    def __init__(
        self,
        model: Model,
        vocabulary: Vocabulary,
        slots: int,
        cells: int,
        threads: int,
        *,
        speculates: bool = False,
        saved: Path | None = None,
    ) -> None:
        def load() -> Loaded:
            self.context = TimedContext(
                model, vocabulary, cells=cells, sequences=slots + CACHED_SEQUENCES, batch=PIECE + slots, threads=threads
            )
            hot = None
            if saved is not None:
                hot = HotPrefixes(StateFolder(saved, "benchmark", 4 << 30), self.context, 4 << 30)
            return Loaded(self.context, slots, cells, cells, hot)

        self.worker = Worker(load, slots=slots, queue_limit=64, on_failure=print, speculates=speculates)
        self.worker.start()

    def submit(self, prompt: Sequence[int], max_tokens: int) -> tuple[int, Stream]:
        stream = Stream()
        no_end = TokenSampling()
        return self.worker.submit(tuple(prompt), max_tokens, no_end, stream.emit)[0], stream


class Bench:
    def __init__(self, path: Path, threads: int, rounds: int) -> None:
        self.model = Model(path)
        self.vocabulary = Vocabulary(self.model)
        self.threads = threads
        self.rounds = rounds
        self._chance = random.Random(0)

    def prompt(self, tokens: int) -> list[int]:
        return [self._chance.randrange(FIRST_WORD, self.vocabulary.size - 400) for _ in range(tokens)]

    @contextmanager
    def engine(self, slots: int, cells: int, saved: Path | None = None) -> Iterator[Engine]:
        engine = Engine(self.model, self.vocabulary, slots, cells, self.threads, saved=saved)
        try:
            yield engine
        finally:
            engine.worker.close()

    def decode(self) -> Figures:
        figures: Figures = {}
        for streams in (1, 4, 8):
            ratios, shares = [], []
            for round_ in range(self.rounds):
                if round_ % 2:
                    bare = in_own_thread(partial(self._bare_speed, streams))
                    speed, share = self._engine_speed(streams)
                else:
                    speed, share = self._engine_speed(streams)
                    bare = in_own_thread(partial(self._bare_speed, streams))
                ratios.append(speed / bare)
                shares.append(share)
                print(f"  {streams} streams: engine {speed:.2f} tokens/s, bare loop {bare:.2f}", flush=True)
            figures[f"{streams}_streams_to_bare_loop"] = median(ratios)
            figures[f"{streams}_streams_python_share"] = median(shares)
        return figures

    def _engine_speed(self, streams: int) -> tuple[float, float]:
        """Tokens a second of all streams together, and the share of the time that was not llama.cpp's."""
        with self.engine(streams, streams * (DEPTH + 4 * STEPS)) as engine:
            running = [engine.submit(self.prompt(DEPTH), 3 * STEPS)[1] for _ in range(streams)]
            for stream in running:
                stream.wait(lambda s: len(s.times) >= 2)
            began, busy = time.perf_counter(), engine.context.seconds
            before = sum(len(stream.times) for stream in running)
            running[-1].wait(lambda s: len(s.times) >= 2 + STEPS)
            spent, busy = time.perf_counter() - began, engine.context.seconds - busy
            tokens = sum(len(stream.times) for stream in running) - before
        return tokens / spent, 1 - busy / spent

    def _bare_speed(self, streams: int) -> float:
        """Tokens a second of llama_decode alone; what it decodes does not matter."""
        lib, params = llama_cpp, llama_cpp.llama_context_default_params()
        params.n_ctx = streams * (DEPTH + 4 * STEPS)
        params.n_batch = params.n_ubatch = PIECE + streams
        params.n_seq_max = streams
        params.n_threads = params.n_threads_batch = self.threads
        params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.kv_unified, params.swa_full = True, True
        context = lib.llama_init_from_model(self.model.pointer, params)
        batch = lib.llama_batch_init(PIECE + streams, 0, 1)
        for sequence in range(streams):
            fill(batch, [(token, i, sequence) for i, token in enumerate(self.prompt(DEPTH))])
            assert lib.llama_decode(context, batch) == 0
        fill(batch, [(token, DEPTH, sequence) for sequence, token in enumerate(self.prompt(streams))])
        began = time.perf_counter()
        for step in range(STEPS):
            for row in range(streams):
                batch.pos[row] = DEPTH + step
            assert lib.llama_decode(context, batch) == 0
        spent = time.perf_counter() - began
        lib.llama_batch_free(batch)
        lib.llama_free(context)
        return streams * STEPS / spent

    def second_turn(self) -> Figures:
        ratios = []
        with self.engine(2, 2048) as engine:
            for _ in range(self.rounds):
                prompt = self.prompt(500)
                first = engine.submit(prompt, 16)[1].wait(lambda s: s.finished)
                follow_up = [*prompt, *first.tokens, *self.prompt(30)]
                second = engine.submit(follow_up, 4)[1].wait(lambda s: s.finished)
                ratios.append(second.first / first.first)
                print(f"  first token after {first.first:.2f} s, then after {second.first:.2f} s", flush=True)
        return {"second_to_first": median(ratios)}

    def restart(self) -> Figures:
        """The beginning is hot once two prompts had it."""
        ratios = []
        for _ in range(self.rounds):
            beginning = self.prompt(1000)
            with tempfile.TemporaryDirectory() as saved:
                with self.engine(2, 2048, Path(saved)) as engine:
                    cold = engine.submit([*beginning, *self.prompt(4)], 2)[1].wait(lambda s: s.finished)
                    engine.submit([*beginning, *self.prompt(4)], 2)[1].wait(lambda s: s.finished)
                with self.engine(2, 2048, Path(saved)) as engine:
                    warm = engine.submit([*beginning, *self.prompt(4)], 2)[1].wait(lambda s: s.finished)
            ratios.append(warm.first / cold.first)
            print(f"  first token after {cold.first:.2f} s, after a restart {warm.first:.2f} s", flush=True)
        return {"restarted_to_cold": median(ratios)}

    def cancel(self) -> Figures:
        """With one slot, the next request starts when it is free."""
        seconds = []
        with self.engine(1, 4096) as engine:
            for _ in range(self.rounds):
                request, stream = engine.submit(self.prompt(2000), 4)
                stream.wait(lambda s: len(s.events) > 1)  # the first piece is there
                time.sleep(CANCEL_AFTER)
                cancelled = time.perf_counter()
                engine.worker.cancel(request)
                _, following = engine.submit(self.prompt(4), 1)
                following.wait(lambda s: any(isinstance(event, PrefillProgress) for _, event in s.events))
                started = next(at for at, event in following.events if isinstance(event, PrefillProgress))
                seconds.append(started - cancelled)
                following.wait(lambda s: s.finished)
                print(f"  free after {seconds[-1]:.3f} s", flush=True)
        return {"seconds_until_free": median(seconds), "longest": round(max(seconds), 3)}

    def beside(self) -> Figures:
        gaps, speeds = [], []
        for _ in range(self.rounds):
            with self.engine(4, 4096) as engine:
                alone = engine.submit(self.prompt(1000), 1)[1].wait(lambda s: s.finished)
                running = [engine.submit(self.prompt(DEPTH), 600) for _ in range(3)]
                for _, stream in running:
                    stream.wait(lambda s: len(s.times) >= 2)
                began = time.perf_counter()
                running[-1][1].wait(lambda s: len(s.times) >= 2 + STEPS)
                joined = time.perf_counter()
                beside = engine.submit(self.prompt(1000), 1)[1].wait(lambda s: s.finished)
                ended = time.perf_counter()
                streams = [stream for _, stream in running]
                usual, slowed = p95_gap(streams, began, joined), p95_gap(streams, joined, ended)
                for request, _ in running:
                    engine.worker.cancel(request)
            gaps.append(slowed / usual)
            speeds.append(alone.first / beside.first)
            print(
                f"  p95 gap {usual:.2f} s, beside the prefill {slowed:.2f} s; prefill {alone.first:.1f} s alone, "
                f"{beside.first:.1f} s beside",
                flush=True,
            )
        return {"gap_to_usual": median(gaps), "prefill_speed_to_alone": median(speeds)}


def in_own_thread(work: Callable[[], float]) -> float:
    """As the engine runs. OpenMP keeps threads for each thread that ever computed: with those of the main thread
    beside the engine's there are more than cores, and then they sleep at each of a batch's many barriers.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def fill(batch: Any, rows: Sequence[tuple[int, int, int]]) -> None:
    """(token, position, sequence) into a llama_batch, logits for each row that ends one."""
    batch.n_tokens = len(rows)
    for i, (token, position, sequence) in enumerate(rows):
        batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, position, 1
        batch.seq_id[i][0] = sequence
        batch.logits[i] = ctypes.c_int8(i + 1 == len(rows) or rows[i + 1][2] != sequence).value


def p95_gap(streams: Sequence[Stream], began: float, ended: float) -> float:
    """95th percentile of the seconds between two tokens of a stream that came in this time."""
    gaps = []
    for stream in streams:
        times = [at for at in stream.times if began <= at <= ended]
        gaps += [after - before for before, after in itertools.pairwise(times)]
    ordered = sorted(gaps)
    return ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)]


def median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 3)


TRIALS: dict[str, Callable[[Bench], Figures]] = {
    "decode": Bench.decode,
    "second-turn": Bench.second_turn,
    "restart": Bench.restart,
    "cancel": Bench.cancel,
    "beside": Bench.beside,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=sorted(TRIALS), nargs="*")
    arguments = parser.parse_args()
    figures: Figures = {"benchmark": "engine", "threads": arguments.threads, "rounds": arguments.rounds}
    if arguments.model is None:
        figures["skipped"] = "no model given: benchmarks/engine.py MODEL.gguf"
        print(f"Not measured: {figures['skipped']}")
    else:
        bench = Bench(arguments.model, arguments.threads, arguments.rounds)
        figures["model"] = arguments.model.name
        for name in arguments.only or TRIALS:
            print(name, flush=True)
            figures[name] = TRIALS[name](bench)
            for figure, value in figures[name].items():
                print(f"  {figure:32} {value}", flush=True)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
