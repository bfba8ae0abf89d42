"""Saved prefixes as files: bounded, whole, of one model, and never another's."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from server.engine.state_folder import INDEX, MAX_AGE, OLD_INDEX, StateFolder, model_key, remove_saved

SHORT, LONG, OTHER = tuple(range(40)), tuple(range(90)), tuple(range(500, 560))


def write(tokens: tuple[int, ...], path: Path, room: int) -> bool:
    """Ten bytes a token."""
    if 10 * len(tokens) > room:
        return False
    path.write_bytes(b"%010d" % tokens[0] * len(tokens))
    return True


def refuse(tokens: tuple[int, ...], path: Path, room: int) -> bool:
    raise AssertionError("nothing should be written")


def saved(folder: Path, *prefixes: tuple[int, ...], key: str = "one", limit: int = 10_000, now: float = 1e9) -> None:
    state = StateFolder(folder, key, limit, clock=lambda: now)
    state.open()
    state.keep(prefixes, write)


def opened(folder: Path, key: str = "one", now: float = 1e9) -> list[tuple[int, ...]]:
    return [tokens for tokens, _ in StateFolder(folder, key, 10_000, clock=lambda: now).open()]


def test_what_is_saved_comes_back_hottest_first(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    saved(folder, LONG, OTHER)
    assert opened(folder) == [LONG, OTHER]
    for _, path in StateFolder(folder, "one", 10_000, clock=lambda: 1e9).open():
        assert path.read_bytes()[:10] in {b"0000000000", b"0000000500"}


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    saved(folder, LONG)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_what_is_there_is_not_written_again(tmp_path: Path) -> None:
    saved(tmp_path, LONG)
    state = StateFolder(tmp_path, "one", 10_000, clock=lambda: 1e9)
    state.open()
    state.keep([LONG], refuse)
    assert opened(tmp_path) == [LONG]


def test_another_model_sees_nothing_and_takes_nothing_away(tmp_path: Path) -> None:
    saved(tmp_path, LONG, key="one")
    assert opened(tmp_path, key="two") == []
    saved(tmp_path, OTHER, key="two")
    assert opened(tmp_path, key="one") == [LONG]
    assert opened(tmp_path, key="two") == [OTHER]


def test_the_folder_is_bounded_and_older_ones_make_room(tmp_path: Path) -> None:
    saved(tmp_path, LONG, limit=1000)
    saved(tmp_path, OTHER, limit=1000)  # 600 bytes: together they are too many
    assert opened(tmp_path) == [OTHER]
    saved(tmp_path, LONG, OTHER, SHORT, limit=1000)  # the hottest, and what still fits beside it
    assert opened(tmp_path) == [LONG]
    saved(tmp_path, tuple(range(1, 200)), OTHER, limit=1000)  # too large by itself
    assert opened(tmp_path) == [OTHER]
    assert sum(path.stat().st_size for path in tmp_path.glob("*.kv")) <= 1000


def test_the_beginning_of_a_longer_one_is_not_kept_twice(tmp_path: Path) -> None:
    saved(tmp_path, SHORT)
    saved(tmp_path, LONG)
    assert opened(tmp_path) == [LONG]
    assert len(list(tmp_path.glob("*.kv"))) == 1


def test_what_nobody_began_with_for_a_week_goes(tmp_path: Path) -> None:
    saved(tmp_path, LONG, OTHER)
    saved(tmp_path, LONG, now=1e9 + MAX_AGE - 1)
    assert opened(tmp_path, now=1e9 + MAX_AGE + 1) == [LONG]
    assert len(list(tmp_path.glob("*.kv"))) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b"x" + path.read_bytes()[1:]),
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
    ],
)
def test_a_damaged_file_is_refused_and_the_others_are_not(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    saved(tmp_path, LONG, OTHER)
    (path,) = (path for path in tmp_path.glob("*.kv") if path.read_bytes().startswith(b"0000000500"))
    damage(path)
    assert opened(tmp_path) == [LONG]
    assert not path.exists()


@pytest.mark.parametrize(
    "index",
    [
        b"",
        b"\xff\xfe",
        b"{}",
        b"[1]",
        b'[{"name": "a.kv"}]',
        b'[{"name": "../a.kv", "key": "one", "tokens": [1], "size": 1, "checksum": "", "seen": 1e12}]',
        b'[{"name": "a.kv", "key": "one", "tokens": [], "size": 1, "checksum": "", "seen": 1e12}]',
        b'[{"name": "a.kv", "key": "one", "tokens": ["x"], "size": 1, "checksum": "", "seen": 1e12}]',
    ],
)
def test_a_damaged_list_empties_the_folder(tmp_path: Path, index: bytes) -> None:
    saved(tmp_path, LONG)
    outside = tmp_path.parent / "a.kv"
    outside.write_bytes(b"x")
    (tmp_path / INDEX).write_bytes(index)
    assert opened(tmp_path) == []
    assert list(tmp_path.glob("*.kv")) == []
    assert outside.exists()
    outside.unlink()


def test_what_was_left_half_written_is_removed_and_other_files_are_not(tmp_path: Path) -> None:
    saved(tmp_path, LONG)
    for name in ("abc.kv.part", "abc.kv", "notes.txt"):
        (tmp_path / name).write_text("x")
    assert opened(tmp_path) == [LONG]
    assert not list(tmp_path.glob("abc*"))
    assert (tmp_path / "notes.txt").exists()


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    saved(tmp_path, LONG)

    def fail(tokens: tuple[int, ...], path: Path, room: int) -> bool:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    state = StateFolder(tmp_path, "one", 10_000, clock=lambda: 1e9)
    state.open()
    state.keep([OTHER], fail)
    assert opened(tmp_path) == [LONG]
    assert not list(tmp_path.glob("*.part"))


def test_nothing_is_made_where_nothing_is_saved(tmp_path: Path) -> None:
    assert opened(tmp_path / "state") == []
    remove_saved(tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_everything_can_be_forgotten(tmp_path: Path) -> None:
    saved(tmp_path, LONG, OTHER)
    remove_saved(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x.kv", "x.kv.part", OLD_INDEX])
def test_what_cannot_be_removed_stays_and_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str) -> None:
    saved(tmp_path, LONG)
    (tmp_path / name).mkdir()
    assert opened(tmp_path) == [LONG]
    remove_saved(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert "cannot be removed" in caplog.text


def test_a_folder_that_is_a_file_keeps_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.write_text("in the way")
    remove_saved(folder)
    assert opened(folder) == []
    saved(folder, LONG)
    assert opened(folder) == []
    assert folder.read_text() == "in the way"


def test_the_tokens_are_in_the_list_as_they_are(tmp_path: Path) -> None:
    saved(tmp_path, LONG)
    assert json.loads((tmp_path / INDEX).read_bytes())[0]["tokens"] == list(LONG)


def test_a_key_tells_files_and_settings_apart(tmp_path: Path) -> None:
    model, adapter = tmp_path / "model.gguf", tmp_path / "adapter.gguf"
    model.write_bytes(bytes(5_000_000))
    adapter.write_bytes(b"adapter")
    keys = {model_key([model], [1]), model_key([model], [2]), model_key([model, adapter], [1])}
    assert len(keys) == 3
    assert model_key([model], [1]) in keys
    status = model.stat()
    data = bytearray(model.read_bytes())
    data[5_000_000 * 3 // 4] = 1  # a weight somewhere; the same size, the same header, the same time
    model.write_bytes(data)
    os.utime(model, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert model_key([model], [1]) not in keys
    model.write_bytes(bytes(5_000_000))
    os.utime(model, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert model_key([model], [1]) not in keys
