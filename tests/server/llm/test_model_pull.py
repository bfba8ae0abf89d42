"""Pulling a model from a hub that is there, breaks off, lies or is gone."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from indexer.errors import BusyError, DocentError, StorageError
from server.llm.catalogue import CATALOGUE, Hub
from server.llm.model_pull import PullError, WantedFile, by_hand, pull, wanted_file
from server.settings import ServerSettings
from tests.server.llm.fake_hub import COMMIT, FakeHub, running_hub
from tests.tiny_gguf import write_tiny_gguf

PATH = f"/some/models/resolve/{COMMIT}/tiny.gguf"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub
    from huggingface_hub import close_session

    close_session()


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    return ServerSettings(data=tmp_path / "data", model="")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_tiny_gguf(tmp_path_factory.mktemp("hub") / "tiny.gguf").read_bytes()


def wanted(data: bytes) -> WantedFile:
    source = Hub("some/models", "tiny.gguf", COMMIT)
    return WantedFile("tiny.gguf", (source,), len(data), hashlib.sha256(data).hexdigest())


def installed(settings: ServerSettings) -> list[str]:
    return sorted(path.name for path in settings.models_path.iterdir() if path.is_file())


def quiet(line: str) -> None:
    pass


def test_a_file_is_fetched_checked_and_put_in_place(hub: FakeHub, settings: ServerSettings, data: bytes) -> None:
    hub.add(PATH, data)
    path = pull(settings, wanted(data), say=quiet)
    assert path == settings.models_path / "tiny.gguf"
    assert path.read_bytes() == data
    assert installed(settings) == ["tiny.gguf"]
    assert [entry for entry in (settings.models_path / ".partial").iterdir() if entry.suffix != ".lock"] == []


def test_what_is_there_is_not_fetched_again(hub: FakeHub, settings: ServerSettings, data: bytes) -> None:
    hub.add(PATH, data)
    pull(settings, wanted(data), say=quiet)
    hub.requests.clear()
    lines: list[str] = []
    pull(settings, wanted(data), say=lines.append)
    assert hub.requests == []
    assert "there already" in lines[0]


def test_a_file_of_any_repository_is_checked_against_the_hubs_own_hash(
    hub: FakeHub, settings: ServerSettings, data: bytes
) -> None:
    hub.add("/some/models/resolve/main/sub/tiny.gguf", data)
    path = pull(settings, wanted_file("some/models/sub/tiny.gguf"), say=quiet)
    assert path.read_bytes() == data
    hub.sha256["/some/models/resolve/main/sub/tiny.gguf"] = "0" * 64
    path.unlink()
    with pytest.raises(PullError, match="gave another file"):
        pull(settings, wanted_file("some/models/sub/tiny.gguf"), say=quiet)
    assert installed(settings) == []


def test_a_transfer_that_breaks_off_goes_on_by_itself(hub: FakeHub, settings: ServerSettings, data: bytes) -> None:
    hub.add(PATH, data)
    hub.cut_after = 50_000
    assert pull(settings, wanted(data), say=quiet).read_bytes() == data
    assert len(hub.downloads()) == 2


@pytest.mark.parametrize("ignores_ranges", [False, True])
def test_the_next_run_resumes_what_an_earlier_one_left(
    hub: FakeHub, settings: ServerSettings, data: bytes, ignores_ranges: bool
) -> None:
    hub.add(PATH, data)
    hub.ignores_ranges = ignores_ranges
    file = wanted(data)
    partial = settings.models_path / ".partial" / f"{file.sha256[:16]}-tiny.gguf"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(data[:70_000])
    lines: list[str] = []
    assert pull(settings, file, say=lines.append).read_bytes() == data
    assert "Resuming" in lines[0]
    assert hub.downloads() == ["bytes=70000-"]


def test_a_partial_file_that_is_too_long_is_begun_anew(hub: FakeHub, settings: ServerSettings, data: bytes) -> None:
    hub.add(PATH, data)
    file = wanted(data)
    partial = settings.models_path / ".partial" / f"{file.sha256[:16]}-tiny.gguf"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(data + b"more")
    assert pull(settings, file, say=quiet).read_bytes() == data


def test_a_damaged_file_is_removed_and_the_old_one_stays(hub: FakeHub, settings: ServerSettings, data: bytes) -> None:
    file = wanted(data)
    hub.add(PATH, data[:-1] + b"!")
    hub.sha256[PATH] = file.sha256
    settings.models_path.mkdir(parents=True)
    (settings.models_path / "tiny.gguf").write_bytes(b"older")
    with pytest.raises(PullError, match="gave another file") as caught:
        pull(settings, file, say=quiet)
    assert file.sha256 in str(caught.value)
    assert (settings.models_path / "tiny.gguf").read_bytes() == b"older"
    assert [entry for entry in (settings.models_path / ".partial").iterdir() if entry.suffix != ".lock"] == []


def test_a_hub_that_offers_another_file_is_refused_before_the_transfer(
    hub: FakeHub, settings: ServerSettings, data: bytes
) -> None:
    hub.add(PATH, data + b"!")
    with pytest.raises(PullError, match="offers another file"):
        pull(settings, wanted(data), say=quiet)
    assert hub.downloads() == []


def test_what_is_no_model_is_not_installed(hub: FakeHub, settings: ServerSettings) -> None:
    hub.add("/some/models/resolve/main/page.gguf", b"<!DOCTYPE html>" * 100)
    with pytest.raises(PullError, match="not a GGUF"):
        pull(settings, wanted_file("some/models/page.gguf"), say=quiet)
    assert installed(settings) == []


@pytest.mark.parametrize(
    ("status", "says"),
    [(404, "has no tiny.gguf"), (401, "does not give out"), (403, "does not give out"), (500, "HTTP status 500")],
)
def test_refusals_of_the_hub_are_explained(
    hub: FakeHub, settings: ServerSettings, data: bytes, status: int, says: str
) -> None:
    hub.status = status
    with pytest.raises(PullError, match=says) as caught:
        pull(settings, wanted(data), say=quiet)
    assert caught.value.advice


def test_without_a_network_everything_needed_by_hand_is_said(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    (model,) = [model for model in CATALOGUE if model.name == "phi-3-mini"]
    with pytest.raises(PullError) as caught:
        pull(settings, wanted_file(model.name), say=quiet)
    said = str(caught.value)
    for part in (
        model.file,
        f"{model.size:,}",
        model.sha256,
        str(settings.models_path.absolute()),
        model.sources[0].revision,
    ):
        assert part in said


def test_a_disk_that_is_too_small_is_noticed_before_the_transfer(
    hub: FakeHub, settings: ServerSettings, data: bytes
) -> None:
    hub.add(PATH, data)
    size = shutil.disk_usage(settings.data.parent).free * 2
    file = replace(wanted(data), size=size)
    with pytest.raises(StorageError, match="free"):
        pull(settings, file, say=quiet)
    assert hub.downloads() == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_disk_that_fills_up_is_explained(hub: FakeHub, settings: ServerSettings, data: bytes) -> None:
    hub.add(PATH, data)
    file = wanted(data)
    partial = settings.models_path / ".partial" / f"{file.sha256[:16]}-tiny.gguf"
    partial.parent.mkdir(parents=True)
    partial.symlink_to("/dev/full")
    with pytest.raises(StorageError, match="full"):
        pull(settings, file, say=quiet)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(settings: ServerSettings, data: bytes) -> None:
    settings.models_path.mkdir(parents=True)
    settings.models_path.chmod(0o500)
    with pytest.raises(StorageError, match="cannot be used"):
        pull(settings, wanted(data), say=quiet)


def test_a_models_folder_that_is_a_file(settings: ServerSettings, data: bytes) -> None:
    settings.data.mkdir()
    settings.models_path.write_text("not a folder")
    with pytest.raises(StorageError, match="cannot be used"):
        pull(settings, wanted(data), say=quiet)


def test_two_pulls_of_one_file_do_not_mix(settings: ServerSettings, data: bytes) -> None:
    lock = settings.models_path / ".partial" / "tiny.gguf.lock"
    lock.parent.mkdir(parents=True)
    with FileLock(lock), pytest.raises(BusyError, match="Another process"):
        pull(settings, wanted(data), say=quiet)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "phi-9",
        "../../etc/passwd.gguf",
        "a/../b.gguf",
        "owner/repo",
        "owner/repo/file.bin",
        "a/b/c d.gguf",
        "/a/b/c.gguf",
    ],
)
def test_names_that_mean_nothing(name: str) -> None:
    with pytest.raises(DocentError, match=r"not a model that can be pulled"):
        wanted_file(name)


def test_by_hand_names_the_file_and_the_folder(tmp_path: Path) -> None:
    said = by_hand(wanted_file("PHI-3-mini"), tmp_path)
    assert "Phi-3-mini-4k-instruct-q4.gguf, 2,393,231,072 bytes" in said
    assert str(tmp_path) in said
