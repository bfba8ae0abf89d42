"""Files from a browser: safe names, limits in words, nothing left of what broke off."""

import asyncio
import errno
import json
import resource
import shutil
import subprocess
import threading
import unicodedata
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_multipart.multipart import MultipartParser

from indexer.errors import StorageError
from server.errors import BadRequest
from server.library import uploads
from server.library.upload_folders import collection_folder
from server.library.uploads import (
    FILES_AT_ONCE,
    MOST_PARTS,
    PORTION,
    Incoming,
    collection_name,
    safe_name,
)
from server.settings import ServerSettings
from tests.server.loop_watch import LoopWatch

KIND = "multipart/form-data; boundary=cut"


def body(*files: tuple[str, bytes], collection: str = "Handbook") -> bytes:
    parts = [f'--cut\r\nContent-Disposition: form-data; name="collection"\r\n\r\n{collection}\r\n'.encode()]
    for name, data in files:
        head = f'--cut\r\nContent-Disposition: form-data; name="files"; filename={json.dumps(name)}\r\n'
        parts.append(head.encode() + b"Content-Type: application/x\r\n\r\n" + data + b"\r\n")
    return b"".join(parts) + b"--cut--\r\n"


async def pieces(data: bytes, *cuts: int) -> AsyncIterator[bytes]:
    edges = [0, *cuts, len(data)]
    for start, end in pairwise(edges):
        yield data[start:end]


def lying_in(settings: ServerSettings) -> list[str]:
    return sorted(str(path.relative_to(settings.uploads_path)) for path in settings.uploads_path.rglob("*.*")
                  if path.is_file())  # fmt: skip


async def test_a_body_is_read_alike_wherever_it_is_cut(settings: ServerSettings, tmp_path: Path) -> None:
    data = body(("a.md", b"first\r\n--cu"), ("b.txt", b"second"))
    for cut in range(len(data) + 1):
        incoming = Incoming(settings, KIND)
        await incoming.receive(pieces(data, cut), len(data))
        received = incoming.keep(tmp_path / "kept")
        assert incoming.fields == {"collection": "Handbook"}
        assert [one.path.read_bytes() for one in received if one.path] == [b"first\r\n--cu", b"second"]


async def test_each_refusal_has_its_reason_and_the_others_are_kept(settings: ServerSettings, tmp_path: Path) -> None:
    settings = settings.model_copy(update={"max_file_mb": 1})
    data = body(("a.exe", b"x"), ("big.txt", b"x" * (1 << 20) + b"y"), ("empty.md", b""), ("ok.md", b"# Good"))
    incoming = Incoming(settings, KIND)
    await incoming.receive(pieces(data, 100, 70_000, 900_000), len(data))
    received = {one.name: one for one in incoming.keep(tmp_path / "kept")}
    assert "Files of type .exe are not read." in received["a.exe"].reason
    assert "larger than the 1 MB" in received["big.txt"].reason
    assert received["empty.md"].reason == "The file is empty."
    assert received["ok.md"].path == tmp_path / "kept" / "ok.md"
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["ok.md"]
    assert lying_in(settings) == []


async def test_two_files_of_one_name_are_both_kept(settings: ServerSettings, tmp_path: Path) -> None:
    data = body(("x/a.md", b"one"), ("y/A.md", b"two"))
    incoming = Incoming(settings, KIND)
    await incoming.receive(pieces(data), len(data))
    assert [one.name for one in incoming.keep(tmp_path / "kept")] == ["a.md", "A (2).md"]


@pytest.mark.parametrize("data", [body(("a.md", b"words"))[:-12], b"--cut\r\nno header", b"", b"something else"])
async def test_nothing_is_left_of_a_body_that_broke_off(settings: ServerSettings, data: bytes) -> None:
    with pytest.raises(BadRequest, match="Send the files again"):
        await Incoming(settings, KIND).receive(pieces(data), len(data))
    assert [path for path in settings.uploads_path.rglob("*") if path.is_file()] == []


async def test_a_connection_that_is_lost_leaves_nothing(settings: ServerSettings) -> None:
    async def lost() -> AsyncIterator[bytes]:
        yield body(("a.md", b"words"))[:-20]
        raise ConnectionError

    with pytest.raises((ConnectionError, StorageError)):
        await Incoming(settings, KIND).receive(lost(), 0)
    assert [path for path in settings.uploads_path.rglob("*") if path.is_file()] == []


async def test_a_body_for_which_there_is_no_room_is_refused_in_words(settings: ServerSettings) -> None:
    settings.data.mkdir(parents=True)
    free = shutil.disk_usage(settings.data).free
    with pytest.raises(StorageError, match="is full"):
        await Incoming(settings, KIND).receive(pieces(b""), free)


async def test_a_disk_that_fills_up_is_told_in_words(settings: ServerSettings) -> None:
    async def full() -> AsyncIterator[bytes]:
        yield body(("a.md", b"words"))[:-20]
        raise OSError(errno.ENOSPC, "No space left on device")  # as a write would

    with pytest.raises(StorageError, match="is full"):
        await Incoming(settings, KIND).receive(full(), 0)
    assert [path for path in settings.uploads_path.rglob("*") if path.is_file()] == []


async def test_a_write_that_the_system_refuses_is_told_and_leaves_nothing(settings: ServerSettings) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    data = body(("a.md", b"x" * 3_000_000))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        with pytest.raises(StorageError, match="could not be stored"):
            await Incoming(settings, KIND).receive(pieces(data, *range(1000, 3_000_000, 1000)), len(data))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path for path in settings.uploads_path.rglob("*") if path.is_file()] == []


@pytest.fixture
def small_disk(settings: ServerSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Uploads lie on a disk of one megabyte, and none of it is kept free."""
    settings.uploads_path.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(settings.uploads_path)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    monkeypatch.setattr(uploads, "SPARE_BYTES", 0)
    yield
    subprocess.run(["umount", str(settings.uploads_path)], check=True)


@pytest.mark.usefixtures("small_disk")
async def test_a_disk_that_is_really_full(settings: ServerSettings) -> None:
    data = body(("a.md", b"x" * 3_000_000))
    with pytest.raises(StorageError, match="is full"):
        await Incoming(settings, KIND).receive(pieces(data, *range(1000, 3_000_000, 1000)), 0)
    assert [path for path in settings.uploads_path.rglob("*") if path.is_file()] == []
    small = Incoming(settings, KIND)  # and there is room again
    await small.receive(pieces(body(("b.md", b"words"))), 0)
    assert [one.name for one in small.keep(settings.uploads_path / "kept")] == ["b.md"]


async def test_two_uploads_at_once_are_both_whole(settings: ServerSettings, tmp_path: Path) -> None:
    async def slowly(data: bytes) -> AsyncIterator[bytes]:
        for at in range(0, len(data), 50):
            await asyncio.sleep(0)  # the other one's turn
            yield data[at : at + 50]

    first, second = body(("a.md", b"1" * 5000), ("b.md", b"1")), body(("a.md", b"2" * 5000), ("c.md", b"2"))
    incoming = [Incoming(settings, KIND), Incoming(settings, KIND)]
    await asyncio.gather(*(one.receive(slowly(d), len(d)) for one, d in zip(incoming, (first, second), strict=True)))
    await asyncio.gather(*(asyncio.to_thread(one.keep, tmp_path / "kept") for one in incoming))
    kept = {path.name: path.read_bytes() for path in (tmp_path / "kept").iterdir()}
    assert kept.keys() == {"a.md", "b.md", "c.md"}
    assert kept["a.md"] in (b"1" * 5000, b"2" * 5000)
    assert lying_in(settings) == []


async def test_pieces_are_parsed_and_written_in_threads_some_at_a_time(
    settings: ServerSettings, tmp_path: Path, loop_watch: LoopWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    write = MultipartParser.write

    def sized(parser: MultipartParser, data: bytes) -> int:
        sizes.append(len(data))
        return write(parser, data)

    monkeypatch.setattr(MultipartParser, "write", sized)
    loop_watch.watch(MultipartParser, "write")
    loop_watch.watch(shutil, "disk_usage")
    data = body(("a.md", bytes(range(256)) * 8000))
    incoming = Incoming(settings, KIND)
    await incoming.receive(pieces(data, *range(1 << 16, len(data), 1 << 16)), len(data))
    assert loop_watch.on_loop == []
    assert set(loop_watch.in_threads) == {"disk_usage", "write"}
    assert sum(sizes) == len(data)
    assert all(PORTION <= size < PORTION + (1 << 16) for size in sizes[:-1])
    kept = incoming.keep(tmp_path / "kept")
    assert [one.path.read_bytes() for one in kept if one.path] == [bytes(range(256)) * 8000]


async def test_who_is_cancelled_while_a_piece_is_written_removes_it_afterwards(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, go_on = threading.Event(), threading.Event()
    done: list[str] = []
    write, discard = MultipartParser.write, Incoming.discard

    def slow(parser: MultipartParser, data: bytes) -> int:
        writing.set()
        assert go_on.wait(60)
        size = write(parser, data)
        done.append("written")
        return size

    def noted(incoming: Incoming) -> None:
        done.append("discarded")
        discard(incoming)

    monkeypatch.setattr(MultipartParser, "write", slow)
    monkeypatch.setattr(Incoming, "discard", noted)
    data = body(("a.md", b"words"))
    receiving = asyncio.create_task(Incoming(settings, KIND).receive(pieces(data), len(data)))
    assert await asyncio.to_thread(writing.wait, 60)
    receiving.cancel()
    for _ in range(100):  # it could be removed too early meanwhile
        await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await receiving
    assert done == ["written", "discarded"]
    assert [path for path in settings.uploads_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data", "text/plain; boundary=x"])
def test_what_is_no_upload_is_refused(settings: ServerSettings, kind: str) -> None:
    with pytest.raises(BadRequest):
        Incoming(settings, kind)


@pytest.mark.parametrize("length", [257, 300, 100_000])
def test_a_boundary_that_is_too_long_is_told(settings: ServerSettings, length: int) -> None:
    with pytest.raises(BadRequest, match=f"{length} characters"):
        Incoming(settings, f"multipart/form-data; boundary={'B' * length}")


async def test_an_upload_of_very_many_parts_is_given_up_and_leaves_nothing(settings: ServerSettings) -> None:
    """100,000 parts of a byte are parsed no further than those that an upload may have."""
    part = b'--cut\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\nx\r\n'
    data = part * 100_000 + b"--cut--\r\n"
    incoming = Incoming(settings, KIND)
    taken = 0

    async def arriving() -> AsyncIterator[bytes]:
        nonlocal taken
        for start in range(0, len(data), PORTION):
            taken += 1
            yield data[start : start + PORTION]

    with pytest.raises(BadRequest, match=r"at most 1,000 parts.*Send fewer files"):
        await incoming.receive(arriving(), len(data))
    assert taken == 1
    assert len(incoming.received) <= MOST_PARTS
    assert lying_in(settings) == []


async def test_of_many_files_the_first_are_kept_and_the_others_named(settings: ServerSettings, tmp_path: Path) -> None:
    data = body(*((f"{n}.md", b"x") for n in range(MOST_PARTS - 1)))
    incoming = Incoming(settings, KIND)
    await incoming.receive(pieces(data), len(data))
    received = incoming.keep(tmp_path / "kept")
    kept = [one.name for one in received if one.path]
    assert (len(kept), len(received)) == (FILES_AT_ONCE, MOST_PARTS - 1)
    assert all("Send it again" in one.reason for one in received if not one.path)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\plan.docx", "plan.docx"),
        (".hidden.md", "hidden.md"),
        ("~$plan.docx", "plan.docx"),
        ("con.txt", "_con.txt"),
        ("a\u202egpj.md", "agpj.md"),
        ("..", "file"),
        ("Übersicht.md", "Übersicht.md"),
    ],
)
def test_names_are_made_safe(given: str, kept: str) -> None:
    assert safe_name(given) == kept


@given(st.text(max_size=400))
def test_no_name_leaves_its_folder(name: str) -> None:
    kept = safe_name(name)
    assert kept == Path(kept).name
    assert not kept.startswith((".", "~$"))
    assert 0 < len(kept.encode()) <= 255
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in kept)
    assert safe_name(kept) == kept


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60))
def test_no_two_collections_share_a_folder(one: str, other: str) -> None:
    settings = ServerSettings(data=Path("data"))
    first, second = (collection_folder(settings, name) for name in (one, other))
    assert first.parent == second.parent == settings.uploads_path.resolve()
    assert (first == second) == (one == other)


@pytest.mark.parametrize("name", ["", "  ", "\x00\u202e", "x" * 101])
def test_a_collection_needs_a_name(name: str) -> None:
    with pytest.raises(BadRequest):
        collection_name(name)
