"""Files from a browser: safe names, limits in words, nothing left of what broke off."""

import errno
import json
import shutil
import unicodedata
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import StorageError
from server.errors import BadRequest
from server.settings import ServerSettings
from server.uploads import Incoming, collection_folder, collection_name, safe_name

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


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data", "text/plain; boundary=x"])
def test_what_is_no_upload_is_refused(settings: ServerSettings, kind: str) -> None:
    with pytest.raises(BadRequest):
        Incoming(settings, kind)


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
