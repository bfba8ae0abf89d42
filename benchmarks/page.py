"""How quick the page is in a real Chromium: words on the screen, source cards, quotation, longest task, weight.

    python benchmarks/page.py [--messages 200] [--pace 50] [--rounds 5]

Indexes docs/ into a temporary data folder and serves it with everything real but the language model, which writes a
word every `--pace` milliseconds. A conversation is filled with messages first; then questions are asked in it, and each
answer once more in another form, in which words are shown that no passage supports: those words are timed, each a
sentence of its own, since answers come a sentence at a time. A word's delay runs from the moment the model writes it,
and from the moment it reaches the page, to the frame that shows it.
Needs a Chromium. The last line is JSON.
"""

import argparse
import asyncio
import itertools
import json
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from indexer.embed import SentenceTransformerEmbedder
from indexer.ingest import ingest
from indexer.knowledge.database import open_knowledge
from server.app import Parts
from server.llm.generator import (
    Completed,
    GenerationEvent,
    GeneratorState,
    Message,
    Piece,
    Prefilling,
    Sampling,
    Usage,
)
from server.settings import ServerSettings
from tests.browser.conftest import FLAGS
from tests.server.fakes import serving

ROOT = Path(__file__).parents[1]
QUESTIONS = [
    "How do I install a language model without internet?",
    "Which files can be read?",
    "How do I delete a document?",
    "What do the numbers in an answer mean?",
    "Where are my earlier conversations?",
]
ANSWER = """Docent **reads** the files in the folder that you name. [1] Every file ends in a ledger. [1]

1. Name the folder with `indexer ingest FOLDER`.
2. Look at the ledger with `indexer status`.

| State | What it means |
|---|---|
| indexed | the file can be asked about |
| skipped | the ledger says why |

```
indexer ingest FOLDER --collection NAME
```

A further paragraph says more about it in a sentence of some length, as answers do that somebody asked for.
"""
AGAIN = "As a list"  # what WATCH does not time the sources of
READS = 1.0  # seconds that the model reads, in which the documents' words are there to be read
WORDS = 120  # of a timed answer: paragraphs of 30
TIMES = {"clock": "dur", "processor": "tdur"}  # of a task in a trace; beside other work the first is longer
WATCH = """
window.arrived = {}; window.shown = {}; window.cards = []; window.quotations = []; window.long = [];
const now = () => performance.timeOrigin + performance.now();
const afterPaint = (then) => requestAnimationFrame(() => {
  const channel = new MessageChannel();
  channel.port1.onmessage = then;
  channel.port2.postMessage(0);
});
const last = (text) => [...text.matchAll(/word(\\d+)n/g)].at(-1)?.[1];
const Real = window.EventSource;
window.EventSource = class extends Real {
  constructor(...given) {
    super(...given);
    for (const name of ['tail', 'block']) this.addEventListener(name, (event) => {
      for (const [, n] of event.data.matchAll(/word(\\d+)n/g)) window.arrived[n] ??= now();
    });
  }
};
addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && event.target.value !== 'As a list') window.sent = now();
}, true);
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.long.push(entry.duration);
}).observe({ type: 'longtask' });
document.addEventListener('DOMContentLoaded', () => new MutationObserver(() => {
  const turn = document.querySelector('.turn:last-child');
  if (!turn) return;
  if (window.sent && turn.dataset.state === 'running' && turn.querySelector('.card')) {
    const sent = window.sent;
    window.sent = 0;
    window.read = sent;
    afterPaint(() => window.cards.push(now() - sent));
  }
  if (window.read && turn.querySelector('.meanwhile blockquote')) {
    const sent = window.read;
    window.read = 0;
    afterPaint(() => window.quotations.push(now() - sent));
  }
  const n = last(turn.querySelector('.answer .open, .answer .closed:last-child')?.textContent ?? '');
  if (n && !(n in window.shown)) {
    window.shown[n] = 0;
    afterPaint(() => { window.shown[n] = now(); });
  }
}).observe(document.body, { childList: true, subtree: true, characterData: true }));
"""


TURNS = "document.getElementById('turns').childElementCount"
STATE = "document.getElementById('turns').lastElementChild.dataset.state"


@dataclass
class Typist:
    """Writes an answer at once, or numbered words at a pace; remembers when it wrote which."""

    pace: float  # seconds
    reading: float = 0.0  # seconds before the first word
    timed: bool = False
    name: str = "typist"
    context: int = 1 << 20
    state: GeneratorState = field(default_factory=lambda: GeneratorState("ready"))
    written: dict[int, float] = field(default_factory=dict)  # milliseconds since 1970
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def count(self, messages: Sequence[Message]) -> int:
        return sum(self.count_text(message.content) for message in messages)

    def count_text(self, text: str) -> int:
        return len(text) // 4

    async def generate(self, messages: Sequence[Message], sampling: Sampling) -> AsyncIterator[GenerationEvent]:
        yield Prefilling(1, 1)
        await asyncio.sleep(self.reading)
        if not self.timed:
            yield Piece(ANSWER)
        for at in range(WORDS if self.timed else 0):
            await asyncio.sleep(self.pace)
            number = next(self.numbers)
            self.written[number] = time.time() * 1000
            yield Piece(f"word{number}n." + ("\n\n" if at % 30 == 29 else " "))
        yield Completed("stop", Usage(1, WORDS))

    async def aclose(self) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--pace", type=int, default=50, help="milliseconds between two words")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        sys.exit("This needs a Chromium, and none was found. Install the package chromium.")
    typist = Typist(arguments.pace / 1000)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        settings = ServerSettings(data=Path(folder) / "data", port=0)
        fill(settings)
        with serving(settings, Parts(open_generator=lambda _settings: typist)) as url:
            until_ready(url)
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
            weight = first_view(browser, url)
            figures = converse(browser, url, typist, arguments.messages, arguments.rounds)
            browser.close()
    report({"benchmark": "page", "messages": arguments.messages, "weight_bytes": weight, **figures})


def fill(settings: ServerSettings) -> None:
    engine = open_knowledge(settings)
    embedder = SentenceTransformerEmbedder(settings)
    embedder.load()
    ingest([ROOT / "docs"], settings, engine, lambda: embedder)
    engine.dispose()


def until_ready(url: str) -> None:
    while httpx.get(f"{url}/readyz", trust_env=False).status_code != 200:
        time.sleep(0.2)


def first_view(browser: Browser, url: str) -> int:
    """Bytes on the wire for everything that the start page loads, headers included."""
    page = browser.new_page()
    client = page.context.new_cdp_session(page)
    sizes: list[int] = []
    client.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    client.send("Network.enable")
    foreign: list[str] = []
    page.on("request", lambda request: foreign.append(request.url) if not request.url.startswith(url) else None)
    page.goto(url, wait_until="networkidle")
    page.close()
    assert not foreign, f"requests to other hosts: {foreign}"
    return sum(sizes)


def converse(browser: Browser, url: str, typist: Typist, messages: int, rounds: int) -> dict[str, Any]:
    """Fill a conversation, ask in it `rounds` times at the pace, then scroll through it."""
    context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(60_000)
    context.add_init_script(WATCH)
    page = context.new_page()
    address = seed(page, messages)
    typist.reading = READS
    page.goto(address)
    opened = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    page.wait_for_timeout(1000)
    page.evaluate("window.long.length = 0")
    browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline"])
    for question in itertools.islice(itertools.cycle(QUESTIONS), rounds):
        for typist.timed, asked in ((False, question), (True, AGAIN)):
            turns = page.evaluate(TURNS)
            page.fill("#question", asked)
            page.press("#question", "Enter")
            while page.evaluate(TURNS) == turns or page.evaluate(STATE) == "running":
                time.sleep(0.2)  # Playwright's own waiting would be work for the page
    writing = longest_task(browser.stop_tracing())
    browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline"])
    page.mouse.move(700, 300)
    for _ in range(60):
        page.mouse.wheel(0, -900)
        page.wait_for_timeout(16)
    page.wait_for_timeout(300)
    scrolling = longest_task(browser.stop_tracing())
    shown = {int(n): at for n, at in page.evaluate("window.shown").items() if at}
    arrived = {int(n): at for n, at in page.evaluate("window.arrived").items()}
    cards, quotations = page.evaluate("[window.cards, window.quotations]")
    context.close()
    return {
        "words": len(shown),
        "written_to_shown_ms": spread([at - typist.written[n] for n, at in shown.items()]),
        "arrived_to_shown_ms": spread([at - arrived[n] for n, at in shown.items() if n in arrived]),
        "cards_ms": spread(cards),
        "quotation_ms": spread(quotations),
        "longest_task_ms": {"writing": writing, "scrolling": scrolling},
        "conversation_opens_ms": round(opened),
    }


def seed(page: Page, messages: int) -> str:
    """The address of a conversation with that many messages, two to a question."""
    page.goto("/")
    fields = {"conversation": ""}
    for number in range(messages // 2):
        form = {"question": f"{number + 1}. {QUESTIONS[number % len(QUESTIONS)]}", **fields}
        answer = page.request.post("/ask", form=form, max_redirects=0)
        place = re.match("/c/([0-9a-f]+)", answer.headers["location"])
        assert place, answer.headers
        fields["conversation"] = place[1]
    return f"/c/{fields['conversation']}"


def longest_task(trace: bytes) -> dict[str, float]:
    """Milliseconds of the longest task on a page's main thread: by the clock, and of the processor's time."""
    events = json.loads(trace)["traceEvents"]
    mains = {(e["pid"], e["tid"]) for e in events if e["name"] == "thread_name" and "RendererMain" in e["args"]["name"]}
    tasks = [e for e in events if e["name"].endswith("RunTask") and (e["pid"], e["tid"]) in mains and "dur" in e]
    return {name: round(max(task.get(key, 0) for task in tasks) / 1000, 1) for name, key in TIMES.items()}


def spread(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    at = min(len(ordered) - 1, len(ordered) * 95 // 100)
    return {"p50": round(statistics.median(ordered), 1), "p95": round(ordered[at], 1), "max": round(ordered[-1], 1)}


def report(figures: dict[str, Any]) -> None:
    print(f"{figures['messages']} messages in the conversation, {figures['words']} words timed")
    for key, name in (
        ("written_to_shown_ms", "a word, from the model to the screen"),
        ("arrived_to_shown_ms", "a word, from its arrival in the page to the screen"),
        ("cards_ms", "source cards, from Enter to the screen"),
        ("quotation_ms", "the documents' words meanwhile, from Enter to the screen"),
    ):
        print(f"{name:58} p50 {figures[key]['p50']:7} ms   p95 {figures[key]['p95']:7} ms")
    for name, task in figures["longest_task_ms"].items():
        print(f"{'longest task while ' + name:58} {task['clock']:11} ms   processor {task['processor']:7} ms")
    print(f"{'the conversation is open after':58} {figures['conversation_opens_ms']:11} ms")
    print(f"{'first view, everything':58} {figures['weight_bytes']:11} bytes")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
