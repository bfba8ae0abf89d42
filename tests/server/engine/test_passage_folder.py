"""What is kept of passages on the disk is whole or not there, whatever happens to its files."""

import errno
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engine.cell_state import State
from server.engine.passage_folder import MAGIC, PARTIAL, SUFFIX, PassageFolder, remove_passages
from tests.waiting import until

DATA = np.frombuffer(bytes(range(256)) * 40, np.uint8)
KEY, OTHER = "a" * 32, "b" * 32
Usage = namedtuple("Usage", "total used free")


def opened(folder: Path, *, model: str = "one", limit: int = 1 << 20) -> PassageFolder:
    kept = PassageFolder(folder, model, limit)
    kept.open()
    return kept


def write(folder: PassageFolder, key: str, source: str, data: State) -> bool:
    size = folder.write(key, source, data)
    return size is not None and folder.place(key, size)


def file(folder: Path, key: str = KEY) -> Path:
    return folder / f"{key}{SUFFIX}"


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    first = opened(tmp_path / "passages")
    assert write(first, KEY, "5:1-9:ab", DATA)
    again = PassageFolder(tmp_path / "passages", "one", 1 << 20)
    (saved,) = again.open()
    assert (saved.key, saved.source) == (KEY, "5:1-9:ab")
    assert again.bytes == first.bytes == saved.size == file(tmp_path / "passages").stat().st_size
    found = again.read(KEY)
    assert found is not None
    assert np.array_equal(found, DATA)


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    write(opened(tmp_path / "passages"), KEY, "s", DATA)
    assert (tmp_path / "passages").stat().st_mode & 0o077 == 0
    assert file(tmp_path / "passages").stat().st_mode & 0o077 == 0


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-7] ^= 1
    path.write_bytes(data)


def flipped_head(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(MAGIC) + 18] ^= 0xFF
    path.write_bytes(data)


def strange(path: Path) -> None:
    path.write_bytes(os.urandom(300))


@pytest.mark.parametrize("harm", [cut_short, emptied, flipped, flipped_head, strange, Path.unlink])
@pytest.mark.parametrize("restarted", [False, True])
def test_what_was_damaged_or_deleted_is_not_given_out_and_kept_no_longer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, harm: Callable[[Path], None], restarted: bool
) -> None:
    folder = opened(tmp_path)
    write(folder, KEY, "s", DATA)
    write(folder, OTHER, "s", DATA)
    harm(file(tmp_path))
    with caplog.at_level(logging.INFO, "docent.engine"):
        folder = opened(tmp_path) if restarted else folder
        assert folder.read(KEY) is None if KEY in folder else True
    assert KEY not in folder
    assert not file(tmp_path).exists()
    assert folder.bytes == file(tmp_path, OTHER).stat().st_size
    assert folder.read(OTHER) is not None
    assert len(caplog.messages) == (0 if restarted and harm is Path.unlink else 1), "one line says why"


@given(st.integers(0, 400), st.integers(1, 255))
def test_no_byte_of_a_file_can_change_unseen(at: int, by: int) -> None:
    base = Path("/dev/shm" if Path("/dev/shm").is_dir() else "/tmp") / f"passages-{os.getpid()}"  # noqa: S108
    try:
        folder = opened(base)
        write(folder, KEY, "s", DATA[:300])
        data = bytearray(file(base).read_bytes())
        at %= len(data)
        data[at] ^= by
        file(base).write_bytes(data)
        assert folder.read(KEY) is None
    finally:
        shutil.rmtree(base)


def test_of_another_model_nothing_is_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(opened(tmp_path), KEY, "s", DATA)
    with caplog.at_level(logging.INFO, "docent.engine"):
        assert PassageFolder(tmp_path, "two", 1 << 20).open() == []
    assert "another model" in caplog.text
    assert not list(tmp_path.iterdir())


def test_the_whole_folder_deleted_under_the_server(tmp_path: Path) -> None:
    folder = opened(tmp_path / "passages")
    write(folder, KEY, "s", DATA)
    shutil.rmtree(tmp_path / "passages")
    assert folder.read(KEY) is None
    assert folder.bytes == 0
    assert write(folder, KEY, "s", DATA), "it is made again"
    assert folder.read(KEY) is not None


def test_nothing_is_written_past_the_limit(tmp_path: Path) -> None:
    folder = opened(tmp_path, limit=len(DATA) + 200)
    assert write(folder, KEY, "s", DATA)
    assert not write(folder, OTHER, "s", DATA)
    folder.remove(KEY)
    assert write(folder, OTHER, "s", DATA)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == folder.bytes <= folder.limit


def test_a_full_disk_is_said_once_and_leaves_nothing_behind(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder = opened(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    assert not write(folder, KEY, "s", DATA)
    assert not write(folder, OTHER, "s", DATA)
    assert not list(tmp_path.iterdir())
    assert len(caplog.messages) == 1
    assert "No space left" in caplog.text


def test_some_of_the_disk_stays_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(1 << 40, 1 << 40, 1 << 20))
    assert not write(opened(tmp_path), KEY, "s", DATA)


def test_what_is_discarded_or_has_gone_meanwhile_does_not_count(tmp_path: Path) -> None:
    folder = opened(tmp_path)
    assert folder.write(KEY, "s", DATA)
    assert KEY not in folder
    assert folder.bytes == 0
    folder.discard(KEY)
    assert not list(tmp_path.iterdir())
    assert not folder.place(KEY, 1)
    assert (KEY in folder, folder.bytes) == (False, 0)


def test_a_folder_that_is_a_file_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "passages").write_text("not a folder")
    folder = opened(tmp_path / "passages")
    assert not write(folder, KEY, "s", DATA)
    assert folder.read(KEY) is None


WRITER = """
import sys
from pathlib import Path
import numpy as np
from server.engine.passage_folder import PassageFolder
folder = PassageFolder(Path(sys.argv[1]), "one", 1 << 30)
folder.open()
data = np.zeros(3_000_000, np.uint8)
print("writes", flush=True)
for number in range(10_000):
    key = f"{number:032x}"
    folder.place(key, folder.write(key, "s", data))
"""


def test_a_kill_while_it_writes_leaves_whole_files(tmp_path: Path) -> None:
    for turn in range(3):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"writes\n"
            until(lambda more=2 + turn: len(list(tmp_path.glob(f"*{SUFFIX}"))) >= more)
            process.send_signal(signal.SIGKILL)
        folder = PassageFolder(tmp_path, "one", 1 << 30)
        saved = folder.open()
        assert len(saved) >= 2
        assert all(folder.read(each.key) is not None for each in saved)
        assert not list(tmp_path.glob(f"*{PARTIAL}"))


def test_switching_it_off_removes_what_is_ours(tmp_path: Path) -> None:
    write(opened(tmp_path), KEY, "s", DATA)
    (tmp_path / "notes.kv").write_text("somebody's")
    remove_passages(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.kv"]
    remove_passages(tmp_path / "nowhere")


def test_what_cannot_be_removed_stays_and_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(opened(tmp_path), KEY, "s", DATA)
    file(tmp_path, OTHER).mkdir()
    remove_passages(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [file(tmp_path, OTHER).name]
    assert len(caplog.messages) == 1
    assert "cannot be removed" in caplog.text
    assert opened(tmp_path).bytes == 0
    (tmp_path / "a file").write_text("no folder")
    remove_passages(tmp_path / "a file")
