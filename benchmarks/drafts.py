"""What drafts from the passages save: written answers as if the model gave them, their passages as the prompt.

    python benchmarks/drafts.py MODEL.gguf FOLDER... [--threads 2] [--times 1=22,4=40,8=65,12=91,16=93]

Each FOLDER is an evaluation set with `corpus.jsonl` and answers of some length. The model's vocabulary cuts the text;
how long a batch takes by its rows is measured on the model, or given in milliseconds. A step that the drafts' own rules
choose is then counted with that time: nothing is generated. The last line is JSON.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from server.engine.drafts import LENGTHS, Drafter
from server.engine.llama import Context, Model, Vocabulary
from server.engine.pace import Pace
from server.engine.scheduler import Row

LEAST_ANSWER = 120  # characters: shorter answers are names and numbers, no text
PASSAGES = 3
DEPTH = 512  # tokens in the cache where rows are timed
ROUNDS = 5


def read_answers(folder: Path, vocabulary: Vocabulary) -> Iterator[tuple[list[int], list[int]]]:
    """Prompt and answer of each question of a set, as token ids."""
    corpus = {each["id"]: each for each in map(json.loads, (folder / "corpus.jsonl").read_text().splitlines())}
    for question in map(json.loads, (folder / "questions.jsonl").read_text().splitlines()):
        answer = next((text for text in question["answers"] if len(text) >= LEAST_ANSWER), None)
        passages = [corpus[each] for each in question["gold"] if each in corpus][:PASSAGES]
        if answer and passages:
            lines = [f"[{i}] {each['title']}: {each['text']}" for i, each in enumerate(passages, 1)]
            yield vocabulary.tokenize("\n".join([*lines, question["question"], ""])), vocabulary.tokenize(answer)


def measure(model: Model, vocabulary: Vocabulary, threads: int) -> dict[int, float]:
    """Milliseconds of a batch by its rows, the best of the rounds."""
    context = Context(model, vocabulary, cells=2 * DEPTH, sequences=1, batch=64, threads=threads)
    for start in range(0, DEPTH, 64):
        context.decode([Row(1000 + start + i, start + i, 0, False) for i in range(64)])
    best: dict[int, float] = {}
    for rows in [1, *(length + 1 for length in LENGTHS)] * ROUNDS:
        began = time.perf_counter()
        context.decode([Row(2000 + i, DEPTH + i, 0, True) for i in range(rows)])
        best[rows] = min(best.get(rows, 1e9), 1000 * (time.perf_counter() - began))
        context.truncate(0, DEPTH)
    context.close()
    return best


def spend(prompt: Sequence[int], answer: Sequence[int], pace: Pace) -> tuple[int, float]:
    """Steps of an answer, and the time that they take, in steps of a single row."""
    drafter = Drafter([*prompt, answer[0]])
    place, steps, spent = 1, 1, 1.0
    while place < len(answer):
        most = len(answer) - place - 1
        draft = drafter.propose(most, lambda rows: pace.added(1, 1, rows)) if most else ()
        right = 0
        while right < len(draft) and draft[right] == answer[place + right]:
            right += 1
        steps, spent = steps + 1, spent + 1
        if draft:
            spent += pace.added(1, 1, len(draft))
            drafter.judge(right)
        for token in answer[place : place + right + 1]:
            drafter.append(token)
        place += right + 1
    return steps, spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--times", default="", help="milliseconds by rows, as 1=22,4=40")
    arguments = parser.parse_args()
    figures: dict[str, Any] = {"benchmark": "drafts"}
    if not arguments.folders:
        figures["skipped"] = "no model and sets given: benchmarks/drafts.py MODEL.gguf FOLDER..."
        print(f"Not measured: {figures['skipped']}")
        print(json.dumps(figures))
        return
    model = Model(arguments.model)
    vocabulary = Vocabulary(model)
    given = [pair.split("=") for pair in arguments.times.split(",") if pair]
    times = {int(rows): float(time) for rows, time in given} or measure(model, vocabulary, arguments.threads)
    pace = Pace()
    for rows in (1, max(times), *times):  # what lies between known times is not taken whole at first
        pace.note(rows, times[rows])
    figures["milliseconds"] = {rows: round(milliseconds, 1) for rows, milliseconds in times.items()}
    print(f"milliseconds by rows: {figures['milliseconds']}")
    for folder in arguments.folders:
        answers = list(read_answers(folder, vocabulary))
        spent = [(len(answer), *spend(prompt, answer, pace)) for prompt, answer in answers]
        tokens, steps, time_spent = (sum(column) for column in zip(*spent, strict=True))
        figures[folder.name] = {
            "answers": len(spent),
            "tokens_a_step": round(tokens / steps, 2),
            "time_to_plain": round(time_spent / tokens, 3),
            "worst_answer": round(max(time / length for length, _, time in spent), 3),
        }
        print(f"{folder.name:20} {figures[folder.name]}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
