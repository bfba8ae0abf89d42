"""A clock that can be set, for the processes of a soak alone: the machine's own stays right.

`clock.c` is compiled and loaded before libc. The time of the files that a process writes is the kernel's, and stays.
"""

import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")
MINUTE, DAY = 60, 24 * 3600
STEPS = (-2 * 60 * MINUTE, 5 * MINUTE, 40 * DAY, -3 * DAY, 0)
"""Seconds from the right time: behind what is stored already, ahead of it, past every time limit of days, and home."""


class NoClock(Exception):  # noqa: N818 (it is no error)
    """Why none can be had here."""


class Clock:
    """A file that says how far the clock is off, and the variables with which processes read it."""

    def __init__(self, folder: Path) -> None:
        """Raises NoClock."""
        compiler = shutil.which("cc") or shutil.which("gcc")
        if sys.platform != "linux" or compiler is None:
            raise NoClock("it takes Linux and a C compiler")
        folder.mkdir(parents=True, exist_ok=True)
        library, self._file = folder / "clock.so", folder / "clock"
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            raise NoClock(f"the library does not compile: {made.stderr.strip()[-200:]}")
        self.step(0)
        self.variables: Mapping[str, str] = {"LD_PRELOAD": str(library), "SOAK_CLOCK": str(self._file)}
        self._check()

    def step(self, seconds: int) -> None:
        """All processes that run with it have this time from now on, as far from the right one."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("=q", seconds))

    def _check(self) -> None:
        """A process does see it, else the steps would be none."""
        self.step(-7 * DAY)
        script = "import time, datetime; print(time.time(), datetime.datetime.now().timestamp())"
        command = [sys.executable, "-c", script]
        moved = subprocess.run(command, env=dict(self.variables), capture_output=True, text=True, check=False)
        right = subprocess.run(command, env={}, capture_output=True, text=True, check=True)
        self.step(0)
        if moved.returncode:
            raise NoClock(f"Python does not start with it: {moved.stderr.strip()[-200:]}")
        off = [float(one) - float(right.stdout.split()[0]) for one in moved.stdout.split()]
        if not all(abs(one + 7 * DAY) < DAY for one in off):
            raise NoClock("Python does not see it")
