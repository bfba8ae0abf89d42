"""Docent's engine against `llama_cpp.server`, both as servers of their own over loopback, with the same model file.

    python benchmarks/peers.py MODEL.gguf [--threads 2] [--rounds 2] [--only eight|conversations]

eight           eight different requests at once, prompts of about 60 tokens, 48 tokens each
conversations   four conversations of three turns, interleaved (A1 B1 C1 D1 A2 ...), about 400 tokens of evidence a turn

Retrieval is off, so both get the same messages. The two sides take turns, each a fresh process; a figure is the median
of the rounds' ratios, ours to theirs. The last line is JSON. Needs the packages that `llama-cpp-python[server]` names.
"""

import argparse
import asyncio
import importlib.util
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from indexer.evaluate.folder import running_server
from indexer.settings import IndexerSettings

WORDS = (
    "account address answer approve archive before budget building calendar card change client contract cost country "
    "course date day deadline department desk document email employee expense family folder form group health holiday "
    "hour insurance invoice laptop leave letter list manager meeting member message month notice number office order "
    "page parent partner password pay period person phone plan policy printer process project question receipt record "
    "report request room rule salary schedule service share site step supplier system task team travel visit week year"
).split()
SYSTEM = "You answer an employee's questions from passages of the company's documents. Use only what they say."
CONTEXT = 4096
STREAMS = 8
TIMEOUT = 3600.0

Message = dict[str, str]


@dataclass(frozen=True)
class Reply:
    """What a client saw of one answer; times in seconds."""

    text: str
    first: float
    total: float
    computed: int | None  # prompt tokens that were not in the cache; None where the server does not tell


@dataclass(frozen=True)
class Side:
    """A server that runs."""

    url: str
    model: str  # its name for the API
    computed_so_far: Callable[[], int] | None  # prompt tokens, from its log


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", choices=sorted(TRIALS))
    arguments = parser.parse_args()
    missing = [name for name in ("sse_starlette", "starlette_context") if importlib.util.find_spec(name) is None]
    if arguments.model is None or missing:
        why = f"{' and '.join(missing)} not installed" if missing else "no model given: benchmarks/peers.py MODEL.gguf"
        print(f"Not measured: {why}.")
        print(json.dumps({"benchmark": "peers", "skipped": why}))
        return
    figures: dict[str, Any] = {"benchmark": "peers", "model": arguments.model.name, "threads": arguments.threads}
    for name in [arguments.only] if arguments.only else TRIALS:
        rounds = [measure(name, arguments.model, arguments.threads, number) for number in range(arguments.rounds)]
        figures[name] = {
            "ratios": {key: median_ratio(rounds, key) for key in rounds[0][0]},
            "rounds": [{"docent": ours, "llama_cpp.server": theirs} for ours, theirs in rounds],
        }
        show(name, figures[name])
    print(json.dumps(figures))


def measure(name: str, model: Path, threads: int, number: int) -> tuple[dict[str, float], dict[str, float]]:
    """One round: (ours, theirs), the order changing from round to round."""
    sides = {"docent": docent, "llama_cpp.server": llama_cpp_server}
    order = list(sides) if number % 2 == 0 else list(reversed(sides))
    found = {}
    for side in order:
        with sides[side](model.resolve(), threads) as server:
            found[side] = asyncio.run(TRIALS[name](server, random.Random(number)))
            print(f"  {name}, round {number + 1}, {side}: {found[side]}", flush=True)
    return found["docent"], found["llama_cpp.server"]


@contextmanager
def docent(model: Path, threads: int) -> Iterator[Side]:
    """`docent serve` without documents."""
    settings = {"DOCENT_MODEL": str(model), "DOCENT_THREADS": str(threads), "DOCENT_CONTEXT": str(CONTEXT)}
    with tempfile.TemporaryDirectory() as data:
        os.environ.update(settings)
        with running_server(IndexerSettings(data=Path(data))) as url:
            yield Side(url, model.stem, None)


@contextmanager
def llama_cpp_server(model: Path, threads: int) -> Iterator[Side]:
    """The package's own server, told not to drop a running answer for the next request and not to score the prompt."""
    options = {
        "model": model, "n_ctx": CONTEXT, "n_threads": threads, "n_threads_batch": threads, "port": 8999,
        "interrupt_requests": False, "logits_all": False,
    }  # fmt: skip
    command = [sys.executable, "-m", "llama_cpp.server"]
    command += [part for name, value in options.items() for part in (f"--{name}", str(value))]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out)
        url = f"http://127.0.0.1:{options['port']}"
        try:
            wait_for(f"{url}/v1/models", process)
            yield Side(url, str(model), lambda: computed_in_log(log.read_text(errors="replace")))
        finally:
            process.terminate()
            process.wait(30)


def computed_in_log(text: str) -> int:
    """Prompt tokens that llama_cpp.Llama says it evaluated."""
    return sum(int(count) for count in re.findall(r"prompt eval time =.*?/\s*(\d+) tokens", text))


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=5, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.3)
    raise SystemExit("llama_cpp.server did not start.")


async def eight_at_once(side: Side, chance: random.Random) -> dict[str, float]:
    prompts = [[{"role": "user", "content": f"{number}: {words(chance, 44)}"}] for number in range(STREAMS)]
    async with httpx.AsyncClient(base_url=side.url, timeout=TIMEOUT, trust_env=False) as client:
        await ask(side, client, [{"role": "user", "content": "Hello"}], 1)
        started = time.perf_counter()
        replies = await asyncio.gather(*(ask(side, client, prompt, 48) for prompt in prompts))
        total = time.perf_counter() - started
    return {"mean_first_token_s": statistics.fmean(reply.first for reply in replies), "total_s": total}


async def four_conversations(side: Side, chance: random.Random) -> dict[str, float]:
    conversations: list[list[Message]] = [[{"role": "system", "content": SYSTEM}] for _ in range(4)]
    firsts: list[list[float]] = []
    computed = 0
    async with httpx.AsyncClient(base_url=side.url, timeout=TIMEOUT, trust_env=False) as client:
        await ask(side, client, [{"role": "user", "content": "Hello"}], 1)
        before = side.computed_so_far() if side.computed_so_far else 0
        started = time.perf_counter()
        for _turn in range(3):
            firsts.append([])
            for messages in conversations:
                text = f"Passages:\n\n[1] {words(chance, 300)}\n\nQuestion: {words(chance, 12)}?"
                messages.append({"role": "user", "content": text})
                reply = await ask(side, client, messages, 24)
                messages.append({"role": "assistant", "content": reply.text})
                firsts[-1].append(reply.first)
                computed += reply.computed or 0
        total = time.perf_counter() - started
    if side.computed_so_far:
        await asyncio.sleep(1)
        computed = side.computed_so_far() - before
    return {
        "prompt_tokens_computed": computed,
        "total_s": total,
        **{f"first_token_turn_{turn}_s": statistics.fmean(times) for turn, times in enumerate(firsts, start=1)},
    }


async def ask(side: Side, client: httpx.AsyncClient, messages: list[Message], max_tokens: int) -> Reply:
    body = {
        "model": side.model, "messages": messages, "max_tokens": max_tokens, "temperature": 0, "stream": True,
        "stream_options": {"include_usage": True}, "docent": {"retrieval": "off"},
    }  # fmt: skip
    started = time.perf_counter()
    first: float | None = None
    text, computed = "", None
    async with client.stream("POST", "/v1/chat/completions", json=body) as response:
        if not response.is_success:
            raise SystemExit(f"{client.base_url} answered {response.status_code}: {await response.aread()!r}")
        async for line in response.aiter_lines():
            if not line.startswith("data: {"):
                continue
            chunk = json.loads(line.removeprefix("data: "))
            usage = chunk.get("usage")
            if usage:
                computed = usage["prompt_tokens"] - (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
            for choice in chunk.get("choices", []):
                piece = choice["delta"].get("content") or ""
                first = time.perf_counter() - started if piece and first is None else first
                text += piece
    total = time.perf_counter() - started
    return Reply(text, total if first is None else first, total, computed)


def words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choice(WORDS) for _ in range(count))


def median_ratio(rounds: list[tuple[dict[str, float], dict[str, float]]], key: str) -> float:
    return round(statistics.median(ours[key] / theirs[key] for ours, theirs in rounds), 3)


def show(name: str, figures: dict[str, Any]) -> None:
    print(f"{name:26} {'docent':>12} {'llama_cpp.server':>18} {'ratio (median)':>16}")
    last = figures["rounds"][-1]
    for key, ratio in figures["ratios"].items():
        print(f"  {key:24} {last['docent'][key]:12.2f} {last['llama_cpp.server'][key]:18.2f} {ratio:16.3f}")


TRIALS = {"eight": eight_at_once, "conversations": four_conversations}


if __name__ == "__main__":
    main()
