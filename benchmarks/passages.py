"""Passages that are read once: seconds to the first token, answers and divergence, stitched and read in full.

    python benchmarks/passages.py [FOLDER] [--model NAME|FILE] [--questions 8] [--skip 0] [--passages 4] [--draws 500]

FOLDER is an evaluation folder with `corpus.jsonl` (docs/evaluating.md), by default `squad` of what EVAL names. Each
question is put with its right passage and the others that share most of its words, the best first, to one model
that is loaded twice: one reads every prompt in full, one has read each passage alone before. The two take turns. Then
the second is started anew, so that it takes its passages from the disk (the system may still have the files in its
memory). Seconds are medians.

A first token's divergence is Kullback and Leibler's, of the likeliest tokens of the full read, in nats. Facts are those
of `indexer evaluate`, of what the model wrote.

The draws need no model's time: questions are drawn with a long tail (Zipf), each with its passages, and the store is
asked for them and given them; of every passage a hundredth of its bytes is kept, within a hundredth of the limits.
The last line is JSON.
"""

import argparse
import asyncio
import json
import math
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from indexer.evaluate.facts import facts_held, plain
from indexer.evaluate.retrieval import EvaluationQuestion, load_questions
from indexer.passages import Passage, Scope
from server.answering.events import Evidence, Question
from server.answering.prompt import build_messages
from server.engine.memory_fit import kv_bytes_per_token
from server.engine.passage_folder import PassageFolder
from server.engine.passage_store import PassageStore, PassageTokens, passage_key
from server.llm.generator import Completed, Message, Piece, Sampling, Usage
from server.llm.local import LocalGenerator
from server.llm.machine import read_model_header
from server.llm.model_files import resolve_model
from server.settings import ServerSettings

LIKELY = 20  # tokens of a distribution that are compared
SCALE = 100  # of the bytes of the draws
MEGABYTES = 1024  # DOCENT_PASSAGE_CACHE of the draws
SCOPE = Scope(frozenset({1}))


@dataclass(frozen=True)
class Asked:
    """A question with the passages that it is asked with."""

    question: EvaluationQuestion
    passages: tuple[Passage, ...]

    def messages(self, *, exact: bool) -> list[Message]:
        """`exact`: to be read in full."""
        question = Question(self.question.question, SCOPE, sampling=Sampling(seed=0 if exact else None))
        evidence = [Evidence(n, passage, passage.text) for n, passage in enumerate(self.passages, start=1)]
        return build_messages(question, evidence, ())


@dataclass(frozen=True)
class Answered:
    seconds: float  # to the first token
    text: str
    likely: dict[str, float]  # first token -> log probability
    usage: Usage


def main() -> None:
    arguments = parsed()
    path = resolve_model(ServerSettings(model=arguments.model))
    folder = arguments.folder or Path(os.environ.get("EVAL") or "eval") / "squad"
    if path is None or not (folder / "corpus.jsonl").is_file():
        reason = "no language model is installed" if path is None else f"there is no {folder}/corpus.jsonl"
        print(f"Not measured: {reason}.")
        print(json.dumps({"benchmark": "passages", "skipped": reason}))
        return
    chance = random.Random(arguments.seed)
    asked = questions(folder, arguments.passages, chance, mixed=arguments.mixed)
    figures: dict[str, Any] = {"benchmark": "passages", "model": path.stem, "folder": folder.name}
    if arguments.questions:
        part = asked[arguments.skip : arguments.skip + arguments.questions]
        figures |= asyncio.run(measured(path, part, arguments))
    if arguments.draws:
        figures["draws"] = drawn(path, asked, arguments.draws, chance)
    print(json.dumps(figures))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--model", default=os.environ.get("MODEL") or os.environ.get("DOCENT_MODEL", ""))
    parser.add_argument("--questions", type=int, default=8, help="that are answered; 0: none")
    parser.add_argument("--skip", type=int, default=0, help="questions that are left out at the beginning")
    parser.add_argument("--passages", type=int, default=4)
    parser.add_argument("--mixed", action="store_true", help="passages in an order of chance")
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--answer", type=int, default=60, help="tokens that an answer has at most")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def questions(folder: Path, count: int, chance: random.Random, *, mixed: bool) -> list[Asked]:
    """Answerable questions in an order of chance, each with its right passage and those of the most of its words, as a
    search would find them, or `mixed`: in an order of chance too."""
    corpus: dict[str, Passage] = {}
    for line in (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        corpus[record["id"]] = passage_of(len(corpus) + 1, record["title"], record["text"])
    words = {id_: frozenset(plain(passage.text).split()) for id_, passage in corpus.items()}
    common = Counter(word for held in words.values() for word in held)
    found = []
    answerable = [q for q in load_questions(folder) if q.answerable and q.gold and q.gold[0] in corpus]
    for question in chance.sample(answerable, min(400, len(answerable))):
        wanted = frozenset(plain(question.question).split())
        share = {
            id_: sum(math.log(len(corpus) / common[word]) for word in wanted & held) for id_, held in words.items()
        }
        others = sorted((id_ for id_ in corpus if id_ != question.gold[0]), key=share.__getitem__, reverse=True)
        chosen = [question.gold[0], *others[: count - 1]]
        shuffled = chance.sample(chosen, len(chosen))
        ordered = shuffled if mixed else sorted(chosen, key=share.__getitem__, reverse=True)
        found.append(Asked(question, tuple(corpus[id_] for id_ in ordered)))
    return found


def passage_of(number: int, title: str, text: str) -> Passage:
    return Passage(
        rank=1, score=1, cosine=1, document_id=number, collection_id=1, document=f"{number}.md", title=title,
        heading="", page=None, start=0, end=len(text), text=text, prefix=title,
    )  # fmt: skip


@asynccontextmanager
async def running(path: Path, data: Path, megabytes: int, threads: int) -> AsyncIterator[LocalGenerator]:
    settings = ServerSettings(data=data, passage_cache=megabytes, threads=threads, state_mb=0)
    generator = LocalGenerator(path, settings)
    generator.start()
    while generator.state.state == "loading":  # noqa: ASYNC110 (the seam is polled)
        await asyncio.sleep(0.1)
    try:
        yield generator
    finally:
        await generator.aclose()


async def measured(path: Path, asked: Sequence[Asked], arguments: argparse.Namespace) -> dict[str, Any]:
    full: list[Answered] = []
    memory: list[Answered] = []
    disk: list[Answered] = []
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        nothing = [asked[0].messages(exact=False)[0], Message("user", "Hello.")]  # Docent's own words are read
        async with (
            running(path, data / "full", 0, arguments.threads) as reads,
            running(path, data / "stitched", MEGABYTES, arguments.threads) as stitches,
        ):
            alone = time.monotonic()
            for one in asked:
                await asyncio.to_thread(stitches.kept_passages, one.messages(exact=False))
                await all_read(stitches)
            alone = time.monotonic() - alone
            await answer(reads, nothing, 1)
            await answer(stitches, nothing, 1)
            for one in asked:
                full.append(await answer(reads, one.messages(exact=True), arguments.answer))
                memory.append(await answer(stitches, one.messages(exact=False), arguments.answer))
            kept = stitches.passages
        async with running(path, data / "stitched", MEGABYTES, arguments.threads) as restarted:
            await answer(restarted, nothing, 1)
            disk += [await answer(restarted, one.messages(exact=False), 1) for one in asked]
            from_disk = restarted.passages
    assert kept is not None
    assert from_disk is not None
    rows = {"full": full, "memory": memory, "disk": disk}
    seconds = {name: statistics.median(one.seconds for one in each) for name, each in rows.items()}
    read = {n: statistics.mean(o.usage.prompt_tokens - o.usage.cached_tokens for o in each) for n, each in rows.items()}
    facts = {name: held(asked, rows[name]) for name in ("full", "memory")}
    divergences = [divergence(a.likely, b.likely) for a, b in zip(full, memory, strict=True)]
    mean, median = statistics.mean(divergences), statistics.median(divergences)
    same = statistics.mean(a.text == b.text for a, b in zip(full, memory, strict=True))
    print(f"{len(asked)} questions, {arguments.passages} passages each; passages read alone in {alone:.0f} s")
    for name, value in seconds.items():
        ratio, said = value / seconds["full"], f"{facts[name]:.3f} of the facts" if name in facts else ""
        print(f"{name:>7}: first token {value:6.2f} s ({ratio:.2f} of full), {read[name]:4.0f} tokens read  {said}")
    print(f"first token's divergence: mean {mean:.3f}, median {median:.3f}; the same answer to the letter: {same:.2f}")
    return {
        "questions": len(asked),
        "seconds": seconds,
        "ratio": {name: value / seconds["full"] for name, value in seconds.items()},
        "read": read,
        "facts": facts,
        "same": same,
        "divergence": {"mean": mean, "median": median},
        "memory_bytes": kept.memory,
        "from_disk": from_disk.from_disk,
    }


async def all_read(generator: LocalGenerator) -> None:
    while (figures := generator.passages) is not None and figures.unread:  # noqa: ASYNC110 (the seam is polled)
        await asyncio.sleep(0.05)
    if generator.passages is None:
        sys.exit("This model's passages cannot be stitched; the log says why.")


async def answer(generator: LocalGenerator, messages: Sequence[Message], most: int) -> Answered:
    began, first = time.monotonic(), 0.0
    text, likely, usage = "", dict[str, float](), Usage()
    async for event in generator.generate(messages, Sampling(max_tokens=most, logprobs=LIKELY)):
        if isinstance(event, Piece):
            text += event.text
            if not likely and event.logprobs:
                first = time.monotonic() - began
                likely = dict(event.logprobs[0].top)
        elif isinstance(event, Completed):
            usage = event.usage
    return Answered(first, text, likely, usage)


def held(asked: Sequence[Asked], answers: Sequence[Answered]) -> float:
    shares = [
        facts_held(answered.text, one.question.answers, one.question.must)
        for one, answered in zip(asked, answers, strict=True)
    ]
    return statistics.mean(share for share in shares if share is not None)


def divergence(of: dict[str, float], to: dict[str, float]) -> float:
    """Of the likeliest tokens; one that is not among the other's counts as its least likely."""
    least = min(to.values(), default=0.0)
    return sum(math.exp(value) * (value - to.get(token, least)) for token, value in of.items())


def drawn(path: Path, asked: Sequence[Asked], draws: int, chance: random.Random) -> dict[str, Any]:
    """What the store would have had of the passages of questions that are drawn with a long tail."""
    token = kv_bytes_per_token(read_model_header(path))
    weights = [1 / rank for rank in range(1, len(asked) + 1)]
    tokens = misses = 0
    with tempfile.TemporaryDirectory() as folder:
        limit = (MEGABYTES << 20) // SCALE
        store = PassageStore(limit, PassageFolder(Path(folder), "model", 4 * limit))
        for one in chance.choices(asked, weights, k=draws):
            for passage in one.passages:
                length = len(passage.text) // 4  # about so many tokens
                tokens += length
                words = tuple(passage.text.encode())
                known = PassageTokens(passage_key("model", (), words), (), words, str(passage.document_id))
                if store.ask(known) is None:
                    misses += length
                    store.put(known, np.zeros(length * token // SCALE, np.uint8))
        store.close()
        figures = store.figures()
    result = {
        "questions": draws,
        "from_memory": figures.from_memory / figures.asked,
        "from_disk": figures.from_disk / figures.asked,
        "tokens_read": misses / tokens,
        "memory_mb": figures.memory * SCALE >> 20,
        "disk_mb": figures.disk * SCALE >> 20,
    }
    print(
        f"{draws} questions with a long tail, of {len(asked)}: {result['from_memory']:.2f} of the passages from "
        f"memory, {result['from_disk']:.2f} from the disk, {result['tokens_read']:.2f} of their tokens read; "
        f"{result['memory_mb']:.0f} MB of memory, {result['disk_mb']:.0f} MB of the disk"
    )
    return result


if __name__ == "__main__":
    main()
