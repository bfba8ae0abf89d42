"""Who runs commands of the indexer, of which most are killed, beside the server's own."""

import json
import math
import os
import signal
import subprocess
import time

import httpx

from benchmarks.soak.askers import Worker
from benchmarks.soak.book import Book
from benchmarks.soak.place import Life, Site
from indexer.errors import BusyError

RUN_SECONDS = 300.0
ALONE_SECONDS = 15.0  # that a command may go on when its server has ended


class IndexerWorker(Worker):
    """Runs commands; `kills` of them are killed, at a moment within the time that they take."""

    def __init__(self, site: Site, book: Book, seed: int, pause: float, kills: float) -> None:
        super().__init__(site, book, seed, pause)
        self.kills = kills
        self.seconds: dict[str, float] = {}  # command -> how long one takes, about

    def command(self, life: Life, first_guess: float, *arguments: str) -> str | None:
        """What it printed; None where it was killed or did not come to its end."""
        what, begun = arguments[0], time.monotonic()
        usual = self.seconds.setdefault(what, first_guess)
        process = self.site.indexer(*arguments)
        seconds = self.chance.uniform(0.1, 1.0) * usual if self.chance.random() < self.kills else math.inf
        if self.killed(what, process, begun + seconds, life):
            return None
        output, said = process.communicate(timeout=RUN_SECONDS)
        if "Traceback" in said:
            self.book.breach(f"{what} broke: {said[-500:]}")
        if process.returncode == 0:
            self.seconds[what] += 0.3 * (time.monotonic() - begun - usual)
            return output
        if process.returncode == BusyError.exit_status:
            self.book.count(f"runs of {what} that found another one at work")
        elif self.small_disk and process.returncode in (1, 2):
            self.book.count(f"runs of {what} that ended on a full disk")
        elif not life.fate:
            self.book.breach(f"{what} ended with status {process.returncode}: {said[-500:]}")
        return None

    def killed(self, what: str, process: "subprocess.Popen[str]", until: float, life: Life) -> bool:
        """Whether it still ran at this moment, and was killed; or some time after its server ended, when it loads the
        embedder itself, for which everybody waits."""
        alone = self.chance.choice((0.0, 0.0, 5.0, ALONE_SECONDS))
        while process.poll() is None and time.monotonic() < until:
            if life.fate:
                until = min(until, time.monotonic() + alone)
                alone = math.inf  # it is counted once
            time.sleep(0.01)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            self.book.count("indexer kills")
            self.book.count(f"kills of {what}")
            return process.returncode == -signal.SIGKILL
        return False


class Rebuilder(IndexerWorker):
    """Runs `indexer rebuild` again and again: most goes on with the one that was killed before."""

    def work(self, client: httpx.Client, life: Life) -> None:
        output = self.command(life, 12.0, "rebuild", "--json")
        if output is None:
            return
        report = json.loads(output)
        self.book.count("rebuilds acknowledged")
        self.book.count("documents rebuilt before a kill", report["resumed"])
