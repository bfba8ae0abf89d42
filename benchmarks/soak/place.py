"""One data folder, the server on it that is started, killed and ended again and again, and commands of the indexer."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from tests.test_whole_way import Place, answers, free_port

READY_SECONDS = 300.0  # torch and the model load beside a busy machine
END_SECONDS = 120.0  # after which a process that was told to end is taken for one that never will
IDLE_SECONDS = 600.0  # that requests under way may take in all
SETTINGS = {
    "DOCENT_MAX_ANSWER_TOKENS": "32",
    "DOCENT_EVIDENCE_TOKENS": "160",
    "DOCENT_THREADS": "1",
    "DOCENT_CACHE_MB": "128",
}
"""Many short answers tell more than a few long ones, and a small model writes on and on. Two threads that wait for each
other take seconds for a step where the machine has other work. A cache of 128 MB is full after some 20 questions: what
Docent plans for conversations, 360 MB otherwise, is taken as they come, and would hide what is lost."""


class SoakOver(Exception):  # noqa: N818 (it is no error)
    """The soak has ended, whoever waits to go on need not."""


@dataclass
class Life:
    """One run of the server. `fate` is set before the signal is sent: "killed" or "told to end"."""

    url: str
    process: "subprocess.Popen[str]"
    log: Path
    fate: str = ""


class Gate:
    """Lets workers through while it is open; who closes it knows when nobody is inside any more."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open = self._over = False
        self._inside = 0

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Raises SoakOver."""
        with self._changed:
            self._changed.wait_for(lambda: self._open or self._over)
            if self._over:
                raise SoakOver
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def open(self) -> None:
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def shut(self) -> None:
        """Nobody new comes in."""
        with self._changed:
            self._open = False

    def wait_until_empty(self) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: not self._inside, IDLE_SECONDS), "a request has no end"

    def end(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()


@dataclass
class Site:
    """The data folder `data`, and what runs on it. `extra` are further variables of the processes' environment."""

    data: Path
    weights: str  # the language model's file, or `none`
    logs: Path
    extra: dict[str, str] = field(default_factory=dict)
    gate: Gate = field(default_factory=Gate)
    port: int = field(default_factory=free_port)
    life: Life | None = None
    lives: int = 0
    commands: "list[subprocess.Popen[str]]" = field(default_factory=list)

    @property
    def running(self) -> Life:
        assert self.life is not None, "no server runs"
        return self.life

    @property
    def knowledge(self) -> Path:
        return self.data / "knowledge.db"

    @property
    def chat(self) -> Path:
        return self.data / "chat.db"

    def environment(self) -> dict[str, str]:
        return Place(self.data, self.data).environment(DOCENT_MODEL=self.weights, **SETTINGS, **self.extra)

    def start(self) -> None:
        """Returns when the server is ready. In a session of its own: all that it began can be killed too."""
        self.lives += 1
        log = self.logs / f"server-{self.lives}.log"
        command = [sys.executable, "-m", "server", "serve", "--port", str(self.port)]
        with log.open("wb") as file:
            process = subprocess.Popen(
                command, env=self.environment(), stdout=file, stderr=file, stdin=subprocess.DEVNULL, text=True,
                start_new_session=True,
            )  # fmt: skip
        self.life = Life(f"http://127.0.0.1:{self.port}", process, log)
        deadline = time.monotonic() + READY_SECONDS
        with httpx.Client(trust_env=False, timeout=5) as client:
            while not answers(client, f"{self.life.url}/readyz"):
                assert process.poll() is None, f"the server ended as it began: {log.read_text('utf-8')[-2000:]}"
                assert time.monotonic() < deadline, "the server did not get ready"
                time.sleep(0.2)

    def kill(self, *, all_of_it: bool) -> None:
        """SIGKILL, for the server alone or for all that it began too. Returns when nothing of it runs any more."""
        life, children = self._doomed("killed")
        if all_of_it:
            os.killpg(life.process.pid, signal.SIGKILL)
        else:
            life.process.kill()
        life.process.wait(END_SECONDS)
        _wait_for(children)

    def end(self) -> tuple[float, int]:
        """SIGTERM: the seconds that it took, and the exit status."""
        life, children = self._doomed("told to end")
        begun = time.monotonic()
        life.process.terminate()
        status = life.process.wait(END_SECONDS)
        seconds = time.monotonic() - begun
        _wait_for(children)
        return seconds, status

    def _doomed(self, fate: str) -> tuple[Life, list[psutil.Process]]:
        life = self.running
        self.gate.shut()
        children = psutil.Process(life.process.pid).children(recursive=True)
        life.fate = fate
        return life, children

    def renew_gate(self) -> None:
        """For the workers to come, when those before have left."""
        self.gate = Gate()

    def close(self) -> None:
        """Whatever happened, nothing is left running."""
        self.gate.end()
        if self.life is not None:
            self.life.fate = "killed"
        for process in [*self.commands, *([self.life.process] if self.life is not None else [])]:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(END_SECONDS)

    def indexer(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command, as a process in a session of its own."""
        command = subprocess.Popen(
            [sys.executable, "-m", "indexer", *arguments],
            env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip
        self.commands = [one for one in self.commands if one.poll() is None] + [command]
        return command


def _wait_for(children: list[psutil.Process]) -> None:
    """A child that outlives its server, an ingest, ends by itself when it is done."""
    deadline = time.monotonic() + END_SECONDS
    while left := [child for child in children if _runs(child)]:
        assert time.monotonic() < deadline, f"processes of the server have no end: {left}"
        time.sleep(0.05)


def _runs(process: psutil.Process) -> bool:
    """A zombie does not: who should collect it is gone as well."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
