"""What JSON schemas cost the engine, and whether answers satisfy them.

    python benchmarks/schemas.py MODEL.gguf [--schemas 1000] [--tokens 64] [--threads 1] [--rounds 3]

Answers: so many schemas, made by hypothesis (tests/json_schemas.py), eight answers at a time at temperature 1. Each is
refused before a token is generated, ends by itself, is ended by the grammar, or reaches its length; those that ended by
themselves are checked against their schema. Steps: the time that making a grammar, a mask and an acceptance took.

Gaps: for each hostile schema, the time between the tokens of another request while an answer with that schema is
written beside it, as a ratio to the same beside the same prompt without a schema. Both take turns; a figure is the
median of the rounds' 90th percentiles. The last line is JSON.
"""

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from numpy.typing import NDArray

from server.engine.grammar import Grammars
from server.engine.llama import Context, Model
from server.engine.scheduler import Failed, Finished, Request, Sampled, Scheduler
from server.engine.slots import CACHED_SEQUENCES
from server.engine.token_sampling import Grammar, TokenSampling, Walk
from server.engine.vocabulary import Vocabulary
from server.llm.json_schema import prepared
from tests.json_schemas import HOSTILE, SCHEMAS

SLOTS, CELLS = 8, 4096
PROMPT = "<|im_start|>user\nWrite some JSON about a person who takes days off.<|im_end|>\n<|im_start|>assistant\n"
BESIDE = "<|im_start|>user\nTell a long story about a dog and a cat.<|im_end|>\n<|im_start|>assistant\n"


@dataclass
class Times:
    """Seconds that each step took, by its kind."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {"grammar": [], "mask": [], "accept": []})

    def note(self, kind: str, started: float) -> None:
        self.seconds[kind].append(time.perf_counter() - started)


@dataclass(frozen=True)
class TimedGrammar:
    """A grammar, and the way through it, whose steps are timed."""

    grammar: Grammar
    times: Times

    def begin(self) -> "TimedWalk":
        return TimedWalk(self.grammar.begin(), self.times)


@dataclass(frozen=True)
class TimedWalk:
    walk: Walk
    times: Times

    def mask(self) -> NDArray[np.bool_]:
        started = time.perf_counter()
        try:
            return self.walk.mask()
        finally:
            self.times.note("mask", started)

    def accept(self, token: int) -> None:
        started = time.perf_counter()
        try:
            self.walk.accept(token)
        finally:
            self.times.note("accept", started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--schemas", type=int, default=1000)
    parser.add_argument("--tokens", type=int, default=64, help="at most, of each answer")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    model = Model(arguments.model)
    vocabulary = Vocabulary(model)
    sequences = SLOTS + CACHED_SEQUENCES
    context = Context(model, vocabulary, cells=CELLS, sequences=sequences, batch=128, threads=arguments.threads)
    bench = Bench(context, vocabulary)
    ends = bench.answer(made(arguments.schemas), arguments.tokens)
    slowest = {kind: max(seconds) for kind, seconds in bench.times.seconds.items()}
    middle = {kind: statistics.median(seconds) for kind, seconds in bench.times.seconds.items()}
    print(f"{'answers':20} {'  '.join(f'{count} {how}' for how, count in sorted(ends.items()))}")
    for kind, most in slowest.items():
        print(f"{kind:20} median {middle[kind] * 1e3:.2f} ms, slowest {most * 1e3:.1f} ms")
    gaps = {name: bench.gap(schema, arguments.rounds) for name, schema in HOSTILE.items()}
    for name, ratio in gaps.items():
        print(f"{name:34} {'refused' if ratio is None else f'{ratio:.2f}'}")
    slow = {kind: max(seconds) for kind, seconds in bench.times.seconds.items()}
    print(
        json.dumps(
            {"benchmark": "schemas", "model": arguments.model.stem, "answers": ends, "slowest_s": slow, "gaps": gaps}
        )
    )


def made(count: int) -> list[dict[str, Any]]:
    """The same schemas each time."""
    found: list[dict[str, Any]] = []

    @seed(1)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(SCHEMAS)
    def collect(schema: dict[str, Any]) -> None:
        found.append(schema)

    collect()
    return found


class Bench:
    def __init__(self, context: Context, vocabulary: Vocabulary) -> None:
        self.times = Times()
        self._context = context
        self._vocabulary = vocabulary
        self._grammars = Grammars(vocabulary)
        self._prompt, self._beside = (tuple(vocabulary.tokenize(text)) for text in (PROMPT, BESIDE))

    def answer(self, schemas: list[dict[str, Any]], tokens: int) -> Counter[str]:
        ends: Counter[str] = Counter()
        asked: dict[int, dict[str, Any]] = {}
        scheduler = self._scheduler()
        for i, schema in enumerate(schemas):
            grammar = self._grammar(schema)
            if grammar is None:
                ends["refused"] += 1
                continue
            asked[i] = schema
            scheduler.submit(Request(i, self._prompt, tokens, TokenSampling(1.0, seed=i, grammar=grammar)))
        said: dict[int, list[int]] = {i: [] for i in asked}
        for i, event in self._events(scheduler):
            match event:
                case Sampled(pick):
                    said[i].append(pick.token)
                case Failed():
                    ends["ended by the grammar"] += 1
                case Finished("length"):
                    ends["cut at the length"] += 1
                case Finished():
                    ends["valid" if self._is_valid(said[i], asked[i]) else "INVALID"] += 1
        return ends

    def gap(self, schema: dict[str, Any], rounds: int) -> float | None:
        """How much longer another request waits for a token beside an answer with this schema. None: it is refused."""
        grammar = self._grammar(schema)
        if grammar is None:
            return None
        found: dict[bool, list[float]] = {False: [], True: []}
        for number in range(rounds):
            for shaped in (False, True) if number % 2 else (True, False):
                found[shaped].append(self._token_gap(grammar if shaped else None))
        return statistics.median(found[True]) / statistics.median(found[False])

    def _token_gap(self, grammar: Grammar | None) -> float:
        """The 90th percentile of the time between two tokens of a request beside one with this grammar, in seconds."""
        scheduler, at = self._scheduler(), []
        scheduler.submit(Request(1, self._beside, 48, TokenSampling(logit_bias=self._no_end)))
        scheduler.submit(Request(2, self._prompt, 48, TokenSampling(1.0, seed=1, grammar=grammar)))
        for i, event in self._events(scheduler):
            if i == 1 and isinstance(event, Sampled):
                at.append(time.perf_counter())
        return statistics.quantiles([after - before for before, after in pairwise(at)], n=10)[-1]

    @property
    def _no_end(self) -> tuple[tuple[int, float], ...]:
        return tuple(
            (special.id, -100.0) for special in self._vocabulary.specials if self._vocabulary.is_end(special.id)
        )

    def _scheduler(self) -> Scheduler:
        return Scheduler(self._context, slots=SLOTS, cells=CELLS, speculates=False)

    def _events(self, scheduler: Scheduler) -> Iterator[tuple[int, Any]]:
        while scheduler.busy:
            yield from scheduler.admit()
            yield from scheduler.evaluate()

    def _grammar(self, schema: dict[str, Any]) -> Grammar | None:
        started = time.perf_counter()
        try:
            grammar = self._grammars.of_schema(prepared(schema))
        except ValueError:
            return None
        finally:
            self.times.note("grammar", started)
        return TimedGrammar(grammar, self.times)

    def _is_valid(self, tokens: list[int], schema: dict[str, Any]) -> bool:
        text = b"".join(map(self._vocabulary.piece, tokens)).decode()
        try:
            jsonschema.Draft202012Validator(schema or {"type": "object"}).validate(json.loads(text))
        except (ValueError, jsonschema.ValidationError) as error:
            print(f"{json.dumps(schema)[:300]} is not met by {text[:200]}: {str(error).splitlines()[0]}")
            return False
        return True


if __name__ == "__main__":
    main()
