"""What the soak works with does what it says: a clock that is set, a disk that is full, a gate that is shut."""

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from benchmarks.soak.book import Book, Document
from benchmarks.soak.clock import DAY, Clock, NoClock
from benchmarks.soak.place import Gate, SoakOver
from benchmarks.soak.small_disk import NoDisk, fill, small_disk

TELL = "import sys, time\nfor _ in sys.stdin: print(time.time(), time.monotonic(), flush=True)"


def test_a_clock_is_set_while_a_process_runs(tmp_path: Path) -> None:
    try:
        clock = Clock(tmp_path)
    except NoClock as reason:
        pytest.skip(str(reason))
    with subprocess.Popen(
        [sys.executable, "-c", TELL],
        env=dict(clock.variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def told() -> tuple[float, float]:
            assert process.stdin is not None
            assert process.stdout is not None
            print(file=process.stdin, flush=True)
            wall, counting = process.stdout.readline().split()
            return float(wall), float(counting)

        right, before = told()
        assert abs(right - time.time()) < DAY / 2
        for seconds in (40 * DAY, -3 * DAY):
            clock.step(seconds)
            moved, now = told()
            assert abs(moved - right - seconds) < DAY / 2
            assert before <= now < before + DAY  # it only counts on
        process.kill()


def test_a_small_disk_is_full_to_the_last_byte(tmp_path: Path) -> None:
    try:
        with small_disk(tmp_path) as (mount, _kind):
            assert shutil.disk_usage(mount).total < 1 << 30
            fill(mount / "ballast")
            with pytest.raises(OSError, match="No space left"):
                (mount / "more").write_bytes(b"x" * 4096)
            (mount / "ballast").unlink()
            (mount / "more").write_bytes(b"x" * 4096)
    except NoDisk as reason:
        pytest.skip(str(reason))
    assert not (tmp_path / "image").exists()


def test_who_shuts_the_gate_waits_for_those_inside() -> None:
    gate, entered, leave = Gate(), threading.Event(), threading.Event()
    passed: list[str] = []

    def work() -> None:
        with gate.inside():
            entered.set()
            leave.wait()
            passed.append("once")
        with pytest.raises(SoakOver), gate.inside():
            passed.append("through a gate that is shut")

    worker = threading.Thread(target=work)
    worker.start()
    gate.open()
    entered.wait()
    gate.shut()
    leave.set()
    gate.wait_until_empty()
    assert passed == ["once"]
    gate.end()
    worker.join()
    assert passed == ["once"]


def test_books_of_two_data_folders_are_added() -> None:
    book = Book()
    other = book.another()
    other.count("requests")
    other.breach("a document is lost")
    book.add(other, "on the small disk, ")
    assert book.counts["requests"] == 1
    assert book.broken == ["on the small disk, 0 s: a document is lost"]
    assert other.document("handbook", "leave.md") == Document("handbook", "leave.md")
    assert book.documents == {}
