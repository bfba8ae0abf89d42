"""What drafts from a prompt's own text save: measured on forced answers, counted on written ones.

    python benchmarks/drafts.py MODEL.gguf [FOLDER...] [--threads 2] [--rounds 3] [--times 1=22,4=40,8=65,12=91,16=93]

Forced: the sampler is told what to choose, a stretch of the prompt or words that stand nowhere before. Two schedulers,
with and without drafts, take turns token by token; a figure is the median of the rounds.

Written: each FOLDER is an evaluation set with `corpus.jsonl` and answers of some length, taken as if the model gave
them. The model's vocabulary cuts the text; how long a batch takes by its rows is measured on the model, or given in
milliseconds. A step that the drafts' own rules choose is counted with that time: nothing is generated.

The last line is JSON.
"""

import argparse
import json
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from server.engine.batch_cost import BatchCost
from server.engine.drafts import LENGTHS, Drafter
from server.engine.llama import Context, Model, library
from server.engine.sampling import TokenSampler
from server.engine.scheduler import Event, Request, Row, Sampled, Scheduler
from server.engine.slots import SlotState
from server.engine.token_sampling import Pick, TokenSampling
from server.engine.vocabulary import Vocabulary

LEAST_ANSWER = 120  # characters: shorter answers are names and numbers, no text
PASSAGES = 3
DEPTH = 512  # tokens in the cache where rows are timed
PROMPT, ANSWER = 200, 100  # tokens of a forced answer
FIRST_WORD = 1000  # ids below are bytes, marks and the like


class Dictated(Context):
    """Chooses what it is told, after the work of choosing the best."""

    script: Sequence[int] = ()

    def sampler(self, sampling: TokenSampling) -> TokenSampler:
        return Dictation(self, sampling)

    def is_end(self, token: int) -> bool:
        return False


class Dictation(TokenSampler):
    def __init__(self, context: Dictated, sampling: TokenSampling) -> None:
        super().__init__(library(), context.logits, sampling)
        self._script = iter(context.script)

    def pick(self, row: int) -> Pick:
        super().pick(row)
        return Pick(next(self._script))


class Forced:
    """A forced answer under way: its steps, tokens and seconds."""

    def __init__(self, context: Dictated, prompt: Sequence[int], script: Sequence[int], *, drafts: bool) -> None:
        context.script = script
        context.truncate(0, 0)
        self.steps, self.tokens, self.seconds = 0, 0, 0.0
        self._scheduler = Scheduler(context, slots=1, cells=PROMPT + ANSWER, speculates=drafts)
        self._scheduler.submit(Request(1, tuple(prompt), len(script), TokenSampling()))
        while not self._scheduler.slots.in_state(SlotState.DECODE):
            self._step()

    @property
    def running(self) -> bool:
        return self._scheduler.busy

    def _step(self) -> list[tuple[int, Event]]:
        return self._scheduler.admit() + self._scheduler.evaluate()

    def step(self) -> None:
        began = time.perf_counter()
        events = self._step()
        self.seconds += time.perf_counter() - began
        self.steps += 1
        self.tokens += sum(isinstance(event, Sampled) for _, event in events)


def force(model: Model, vocabulary: Vocabulary, threads: int, rounds: int) -> dict[str, dict[str, float]]:
    chance = random.Random(0)
    contexts = [
        Dictated(model, vocabulary, cells=PROMPT + ANSWER, sequences=2, batch=72, threads=threads) for _ in range(2)
    ]
    figures = {}
    for kind in ("copied", "fresh"):
        ratios, speeds = [], []
        for _ in range(rounds):
            words = [chance.randrange(FIRST_WORD, vocabulary.size - 400) for _ in range(PROMPT + ANSWER)]
            prompt = words[:PROMPT]
            script = prompt[20 : 20 + ANSWER] if kind == "copied" else words[PROMPT:]
            with_drafts, without = (
                Forced(context, prompt, script, drafts=drafts)
                for context, drafts in zip(contexts, (True, False), strict=True)
            )
            while with_drafts.running or without.running:
                behind = without if without.tokens < with_drafts.tokens or not with_drafts.running else with_drafts
                behind.step()
            ratios.append(with_drafts.seconds / without.seconds)
            speeds.append(with_drafts.tokens / with_drafts.steps)
        figures[kind] = {
            "tokens_a_step": round(statistics.median(speeds), 2),
            "time_to_plain": round(statistics.median(ratios), 3),
        }
        print(f"{kind:20} {figures[kind]}", flush=True)
    return figures


def read_answers(folder: Path, vocabulary: Vocabulary) -> Iterator[tuple[list[int], list[int]]]:
    """Prompt and answer of each question of a set, as token ids."""
    corpus = {each["id"]: each for each in map(json.loads, (folder / "corpus.jsonl").read_text().splitlines())}
    for question in map(json.loads, (folder / "questions.jsonl").read_text().splitlines()):
        answer = next((text for text in question["answers"] if len(text) >= LEAST_ANSWER), None)
        passages = [corpus[each] for each in question["gold"] if each in corpus][:PASSAGES]
        if answer and passages:
            lines = [f"[{i}] {each['title']}: {each['text']}" for i, each in enumerate(passages, 1)]
            yield vocabulary.tokenize("\n".join([*lines, question["question"], ""])), vocabulary.tokenize(answer)


def measure(model: Model, vocabulary: Vocabulary, threads: int, rounds: int) -> dict[int, float]:
    """Milliseconds of a batch by its rows, the best of the rounds."""
    context = Context(model, vocabulary, cells=2 * DEPTH, sequences=1, batch=64, threads=threads)
    for start in range(0, DEPTH, 64):
        context.decode([Row(1000 + start + i, start + i, 0, False) for i in range(64)])
    best: dict[int, float] = {}
    for rows in [1, *(length + 1 for length in LENGTHS)] * rounds:
        began = time.perf_counter()
        context.decode([Row(2000 + i, DEPTH + i, 0, True) for i in range(rows)])
        best[rows] = min(best.get(rows, 1e9), 1000 * (time.perf_counter() - began))
        context.truncate(0, DEPTH)
    context.close()
    return best


def spend(prompt: Sequence[int], answer: Sequence[int], cost: BatchCost) -> tuple[int, float]:
    """Steps of an answer, and the time that they take, in steps of a single row."""
    drafter = Drafter([*prompt, answer[0]])
    place, steps, spent = 1, 1, 1.0
    while place < len(answer):
        most = len(answer) - place - 1
        draft = drafter.propose(most, lambda rows: cost.added(1, 1, rows)) if most else ()
        right = 0
        while right < len(draft) and draft[right] == answer[place + right]:
            right += 1
        steps, spent = steps + 1, spent + 1
        if draft:
            spent += cost.added(1, 1, len(draft))
            drafter.judge(right)
        for token in answer[place : place + right + 1]:
            drafter.append(token)
        place += right + 1
    return steps, spent


def count(
    folders: Sequence[Path], vocabulary: Vocabulary, times: dict[int, float]
) -> Iterator[tuple[str, dict[str, float]]]:
    cost = BatchCost()
    for rows in (1, max(times), *times):  # what lies between known times is not taken whole at first
        cost.note(rows, times[rows])
    for folder in folders:
        spent = [(len(answer), *spend(prompt, answer, cost)) for prompt, answer in read_answers(folder, vocabulary)]
        tokens, steps, time_spent = (sum(column) for column in zip(*spent, strict=True))
        figures = {
            "answers": len(spent),
            "tokens_a_step": round(tokens / steps, 2),
            "time_to_plain": round(time_spent / tokens, 3),
            "worst_answer": round(max(time / length for length, _, time in spent), 3),
        }
        print(f"{folder.name:20} {figures}", flush=True)
        yield folder.name, figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--times", default="", help="milliseconds by rows, as 1=22,4=40; nothing is forced then")
    arguments = parser.parse_args()
    figures: dict[str, Any] = {"benchmark": "drafts", "threads": arguments.threads, "rounds": arguments.rounds}
    if arguments.model is None:
        figures["skipped"] = "no model given: benchmarks/drafts.py MODEL.gguf [FOLDER...]"
        print(f"Not measured: {figures['skipped']}")
        print(json.dumps(figures))
        return
    model = Model(arguments.model)
    vocabulary = Vocabulary(model)
    given = [pair.split("=") for pair in arguments.times.split(",") if pair]
    times = {int(rows): float(time) for rows, time in given}
    if not times:
        figures |= force(model, vocabulary, arguments.threads, arguments.rounds)
    if arguments.folders:
        times = times or measure(model, vocabulary, arguments.threads, arguments.rounds)
        figures["milliseconds"] = {rows: round(milliseconds, 1) for rows, milliseconds in times.items()}
        print(f"milliseconds by rows: {figures['milliseconds']}")
        figures |= count(arguments.folders, vocabulary, times)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
