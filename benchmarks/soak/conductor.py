"""The phases of a soak: steady work, kills and stops, a clock that is set, a disk that is full."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.soak import inspection, steadiness
from benchmarks.soak.askers import DISK_FULL, SECONDS, Asker, Witness, Worker, api_end, completion, page_end
from benchmarks.soak.book import Book, Document
from benchmarks.soak.clock import STEPS, Clock, NoClock
from benchmarks.soak.editors import Editor, FolderIndexer, is_found
from benchmarks.soak.indexers import Rebuilder
from benchmarks.soak.place import Site
from benchmarks.soak.small_disk import NoDisk, fill, small_disk

ASKERS, EDITORS = 3, 2
FOUND_SECONDS = 180.0  # until what was uploaded before a kill is read again
VERIFY_SECONDS = 600.0
STEP_SECONDS = 8.0  # at the least, that a clock or a disk stays as it was made
REFUSALS = 5  # of a full disk, at the least
SAMPLED = 50  # requests between two looks at what the server holds
KILLED = 0.85  # of the runs of an ingest; the others come to their end and are acknowledged
TAKEN_UP_SECONDS = 30.0  # until a change is found by a search


@dataclass(frozen=True)
class Plan:
    """How long a soak goes on: for `minutes` at least, and until there were so many kills and requests."""

    minutes: float
    seed: int
    kills: int  # of the indexer and the server together, one in ten of the server
    requests: int  # of the steady phase
    phases: Sequence[str]

    @property
    def server_kills(self) -> int:
        return -(-self.kills // 10)

    @property
    def indexer_kills(self) -> int:
        return self.kills - self.server_kills

    def seconds(self, share: float) -> float:
        return self.minutes * 60 * share


@dataclass
class Conductor:
    """One soak on `site`; `say` tells a person how far it is."""

    plan: Plan
    site: Site
    book: Book
    folder: Path  # of documents that are ingested
    say: Callable[[str], None]
    small_disk: bool = False  # it gets full
    workers: list[Worker] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.plan.seed)

    @contextmanager
    def working(self, *, indexer: bool, pause: float = 0.2) -> Iterator[None]:
        """People ask and change documents; with `indexer` somebody ingests a folder as well, and is killed at it."""
        seed = self.plan.seed * 1000 + len(self.workers)
        started: list[Worker] = [Asker(self.site, self.book, seed + n, pause) for n in range(ASKERS)]
        started += [Editor(self.site, self.book, seed + ASKERS + n, 5 * pause) for n in range(EDITORS)]
        if indexer:
            number = seed + ASKERS + EDITORS
            folder = self.folder / str(number)
            started.append(FolderIndexer(self.site, self.book, number, pause, folder, KILLED))
            started.append(Rebuilder(self.site, self.book, number + 1, 20 * pause, KILLED))
        self.workers += started
        for worker in started:
            worker.small_disk = self.small_disk
            worker.start()
        self.site.gate.open()
        try:
            yield
        except BaseException:
            self.site.close()  # nobody waits for an answer of what has no end
            raise
        finally:
            self.site.gate.end()
            for worker in started:
                worker.join()
            self.site.renew_gate()

    # The phases

    def steady(self) -> None:
        """One server from its start to its end, which must not grow."""
        self.site.start()
        begun = self.book.counts["requests"]
        until = time.monotonic() + self.plan.seconds(0.3)
        samples = [steadiness.sample(self.site.running.process.pid, 0)]
        with self.working(indexer=False):
            while (done := self.book.counts["requests"] - begun) < self.plan.requests or time.monotonic() < until:
                if done >= samples[-1].requests + SAMPLED:
                    samples.append(self.rest(done))
                    self.say(f"{done} requests, {samples[-1].memory >> 20} MiB, {samples[-1].handles} handles, "
                             f"{samples[-1].threads} threads")  # fmt: skip
                time.sleep(0.1)
            samples.append(self.rest(done))
        self.book.breach(*steadiness.unsteady(samples))
        grown, since_first = steadiness.growth(samples), steadiness.growth(samples, steadiness.FIRST)
        self.figures["steady"] = {
            "requests": samples[-1].requests,
            "memory_growth": None if grown is None else round(grown, 4),
            f"memory_growth_since_{steadiness.FIRST}": None if since_first is None else round(since_first, 4),
            "memory_mib": [one.memory >> 20 for one in samples],
            "handles": [one.handles for one in samples],
            "threads": [one.threads for one in samples],
        }
        self.stop()
        self.inspect()

    def rest(self, requests: int) -> steadiness.Sample:
        """A look at the server while nobody asks."""
        self.site.gate.shut()
        self.site.gate.wait_until_empty()
        try:
            return steadiness.sample(self.site.running.process.pid, requests)
        finally:
            self.site.gate.open()

    def kills(self) -> None:
        """The server is killed under load, with all that it began or alone; one time in five it is told to end."""
        until = time.monotonic() + self.plan.seconds(0.5)
        counts = self.book.counts
        self.site.start()
        with self.working(indexer=True, pause=0.1):
            while True:
                enough = counts["indexer kills"] >= self.plan.indexer_kills
                if counts["server kills"] >= self.plan.server_kills and enough and time.monotonic() > until:
                    break
                time.sleep(self.chance.uniform(2, self.life_seconds()))
                behind = not self.plan.kills or counts["server kills"] < self.plan.server_kills
                if behind and self.chance.random() < 0.8:
                    self.site.kill(all_of_it=self.chance.random() < 0.5)
                    self.book.count("server kills")
                else:
                    self.stop()
                self.say(f"{counts['server kills']} kills of the server, {counts['indexer kills']} of the indexer, "
                         f"{counts['SIGTERMs']} SIGTERMs, {len(self.book.broken)} breaches")  # fmt: skip
                self.inspect()
                self.go_on()
            self.stop()
        self.inspect()

    def clock(self) -> None:
        """The clock is set back and forth, while the server runs and while it does not."""
        try:
            clock = Clock(self.folder.with_name("clock"))
        except NoClock as reason:
            self.figures["clock"] = {"skipped": str(reason)}
            return
        self.site.extra |= clock.variables
        self.site.start()
        with self.working(indexer=True):
            for number, seconds in enumerate(STEPS):
                self.say(f"the clock is {seconds} s off")
                clock.step(seconds)
                time.sleep(max(STEP_SECONDS, self.plan.seconds(0.1) / len(STEPS)))
                if number % 2:
                    self.stop()
                    self.inspect()
                    self.go_on()
                else:
                    self.look()
            self.stop()
        self.inspect()
        self.figures["clock"] = {"steps": len(STEPS)}

    def disk(self) -> None:
        """A data folder on a disk that gets full under load, and has room again."""
        folder = self.folder.with_name("disk")
        try:
            with small_disk(folder) as (mount, kind):
                logs = folder / "logs"
                logs.mkdir()
                site = Site(mount / "data", self.site.weights, logs)
                conductor = Conductor(
                    self.plan, site, self.book.another(), folder / "documents", self.say, small_disk=True
                )
                try:
                    conductor.full_disk(mount / "ballast")
                finally:
                    site.close()
                    self.book.add(conductor.book, "on the small disk, ")
            self.figures["disk"] = {"kind": kind, "refused": conductor.book.counts[DISK_FULL]}
        except NoDisk as reason:
            self.figures["disk"] = {"skipped": str(reason)}

    def full_disk(self, ballast: Path) -> None:
        seconds = max(STEP_SECONDS, self.plan.seconds(0.03))
        self.site.start()
        with self.working(indexer=True):
            time.sleep(seconds)
            self.say("the disk is full")
            begun = time.monotonic()
            while time.monotonic() < begun + seconds or self.book.counts[DISK_FULL] < REFUSALS:
                assert time.monotonic() < begun + FOUND_SECONDS, "nothing was refused on a full disk"
                fill(ballast)  # again and again, since what is removed leaves room
                time.sleep(0.2)
            ballast.unlink()
            self.say("the disk has room again")
            self.look()
            time.sleep(seconds)
            self.stop()
            self.inspect()
            self.go_on()
            self.stop()
        self.inspect()

    def life_seconds(self) -> float:
        """How long the next life of the server may be: longer where kills of the indexer are behind those of it."""
        counts = self.book.counts
        missing = max(1, self.plan.server_kills - counts["server kills"])
        left = max(0, self.plan.indexer_kills - counts["indexer kills"])
        return min(60.0, 8.0 + 3.0 * left / missing)

    # What phases are made of

    def go_on(self) -> None:
        """Start the server again, look whether all is there, and let everybody back to work."""
        self.site.start()
        self.all_there()
        self.site.gate.open()

    def look(self) -> None:
        """At a server that goes on: everybody stands still for it."""
        self.site.gate.shut()
        self.site.gate.wait_until_empty()
        self.all_there()
        self.site.gate.open()

    def stop(self) -> None:
        """SIGTERM, with streams open of every kind: each ends with an event, and the server in time."""
        witnesses = self.witnesses() if self.workers else []
        seconds, status = self.site.end()
        self.book.count("SIGTERMs")
        self.book.breach(*inspection.badly_ended(seconds, status))
        self.figures["longest_sigterm_s"] = max(round(seconds, 2), self.figures.get("longest_sigterm_s", 0.0))
        for what, read, witness in witnesses:
            witness.join(SECONDS)
            if witness.problem or not read(witness.lines):
                end = witness.problem or f"{witness.lines[-3:]}"
                self.book.breach(f"{what} was open at a SIGTERM and ended without an event: {end}")
            self.book.count("streams ended with an event at a SIGTERM")

    def witnesses(self) -> list[tuple[str, Callable[[Sequence[str]], str], Witness]]:
        """Streams of which something has come."""
        asker = Asker(self.site, self.book, self.plan.seed, 0)
        opened: list[tuple[str, Callable[[Sequence[str]], str], Witness]] = []
        api = "/v1/chat/completions"
        body = completion("How many days of annual leave do employees get?", stream=True, tokens=400)
        opened += [("a stream of the API", api_end, Witness(self.site, "POST", api, body)) for _ in range(2)]
        with asker.client() as client:
            begun = asker.begin(client, "When are travel claims paid?")
            if begun is not None:
                events = Witness(self.site, "GET", f"/turns/{begun[0]}/events", cookies=client.cookies)
                opened.append(("the stream of a turn", page_end, events))
        for _, _, witness in opened:
            witness.start()
        for _, _, witness in opened:
            assert witness.begun.wait(SECONDS), "a stream does not begin"
        return opened

    def inspect(self) -> None:
        """With the server down and nobody at work."""
        self.site.gate.shut()
        self.site.gate.wait_until_empty()
        book, site = self.book, self.site
        book.breach(*inspection.damage(site.knowledge), *inspection.damage(site.chat))
        book.breach(*inspection.come_back(book.documents.values(), inspection.indexed_words(site.knowledge)))
        book.breach(*inspection.lost_turns(site.chat, book.kept_turns(), book.gone))
        traced = inspection.tracebacks(site.running.log.read_text("utf-8", "replace"))
        book.breach(*[one for one in traced if not (self.small_disk and inspection.is_of_a_full_disk(one))])
        with site.indexer("verify") as verify:
            said, problems = verify.communicate(timeout=VERIFY_SECONDS)
        if verify.returncode != 0:
            book.breach(f"indexer verify ended with {verify.returncode}: {said[-500:]} {problems[-500:]}")
        book.count("inspections")

    def all_there(self) -> None:
        """With the server up and nobody at work: what was acknowledged is found again, what was deleted is not."""
        book, site = self.book, self.site
        deadline = time.monotonic() + FOUND_SECONDS
        while True:
            found = inspection.indexed_words(site.knowledge)
            missing = inspection.not_as_acknowledged(book.documents.values(), found)
            if not missing or time.monotonic() > deadline:
                break
            time.sleep(0.3)
        book.breach(*missing, *inspection.come_back(book.documents.values(), found))
        self.sampled()

    def sampled(self) -> None:
        """Some of it as people see it: through the search and in their conversations."""
        url = self.site.running.url
        known = [one for one in self.book.documents.values() if one.word is not None]
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            for document in self.chance.sample(known, min(4, len(known))):
                self.as_searched(client, document)
        turns = self.book.kept_turns()
        for turn in self.chance.sample(turns, min(4, len(turns))):
            with httpx.Client(base_url=url, trust_env=False, timeout=60, cookies=dict(turn.cookies)) as client:
                response = client.get(f"/c/{turn.conversation}?at={turn.id}")
                if response.status_code != 200 or turn.question not in response.text:
                    self.book.breach(f"turn {turn.id} is not shown any more: {response.status_code}")

    def as_searched(self, client: httpx.Client, document: Document) -> None:
        """The search finds this version, or nothing of a document that was deleted."""
        if document.word:
            deadline = time.monotonic() + TAKEN_UP_SECONDS
            while not is_found(client, document, document.word):
                if time.monotonic() > deadline:
                    self.book.breach(f"{document.path} is indexed and no search finds it")
                    return
                time.sleep(0.3)
        elif document.before and is_found(client, document, document.before):
            self.book.breach(f"{document.path} was deleted and a search finds it")
