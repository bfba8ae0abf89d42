"""A file system of its own that is small enough to be filled: a loop mount, or one in memory where there is none."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEGABYTES = 640  # an upload wants 256 free beside itself
PIECE = 1 << 20


class NoDisk(Exception):  # noqa: N818 (it is no error)
    """Why none can be had here."""


@contextmanager
def small_disk(folder: Path) -> Iterator[tuple[Path, str]]:
    """Where it is mounted, and what it is. Raises NoDisk."""
    if os.geteuid() != 0:
        raise NoDisk("only root can mount a disk")
    mount, image = folder / "mount", folder / "image"
    mount.mkdir(parents=True, exist_ok=True)
    kind = _mounted(mount, image)
    try:
        yield mount, kind
    finally:
        _run("umount", str(mount))
        image.unlink(missing_ok=True)


def _mounted(mount: Path, image: Path) -> str:
    with image.open("wb") as file:
        file.truncate(MEGABYTES * PIECE)
    made = _run("mkfs.ext4", "-q", "-F", "-m", "0", str(image))
    looped = made or _run("mount", "-o", "loop", str(image), str(mount))
    if not looped:
        return "ext4 on a loop device"
    in_memory = _run("mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(mount))
    if in_memory:
        raise NoDisk(f"{looped}; {in_memory}")
    return f"tmpfs ({looped})"


def _run(*command: str) -> str:
    """Why it failed; empty where it did not."""
    program = shutil.which(command[0]) or shutil.which(command[0], path="/usr/sbin:/sbin")
    if program is None:
        return f"there is no {command[0]}"
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
    return f"{command[0]}: {done.stderr.strip()[-200:]}" if done.returncode else ""


def fill(ballast: Path) -> None:
    """Write until nothing more goes: to the last byte, so that not even a line of a log fits."""
    with ballast.open("ab", buffering=0) as file:
        piece = PIECE
        while piece:
            try:
                file.write(b"\xff" * piece)
            except OSError:
                piece //= 2
