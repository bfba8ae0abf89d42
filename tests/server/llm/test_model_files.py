"""Which model is used, and what `docent models` says."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from indexer.errors import StorageError
from server.cli import main
from server.commands import models as commands
from server.engine.gguf_header import read_header
from server.llm import catalogue
from server.llm.catalogue import CATALOGUE, DEFAULT_MODEL
from server.llm.machine import fit_here
from server.llm.model_files import (
    ModelNotFound,
    find_model,
    installed_models,
    model_name,
    model_title,
    read_choice,
    resolve_model,
    write_choice,
)
from server.settings import ServerSettings
from tests.tiny_gguf import TinyModel, write_tiny_gguf
from tests.tiny_lora import write_tiny_lora


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("bravo.gguf", "alpha.GGUF"):
        write_tiny_gguf(folder / name)
    (folder / "notes.txt").write_text("no model")
    (folder / "folder.gguf").mkdir()
    return ServerSettings(data=tmp_path, model="")


def asking_for(settings: ServerSettings, model: str) -> ServerSettings:
    return settings.model_copy(update={"model": model})


def test_no_folder_no_model(tmp_path: Path) -> None:
    assert resolve_model(ServerSettings(data=tmp_path / "nothing", model="")) is None


@pytest.mark.parametrize("name", ["none", "None"])
def test_a_model_can_be_left_out_although_one_is_installed(settings: ServerSettings, name: str) -> None:
    assert resolve_model(asking_for(settings, name)) is None


def test_the_first_by_name_unless_the_catalogue_knows_one(settings: ServerSettings) -> None:
    assert resolve_model(settings) == settings.models_path / "alpha.GGUF"
    known = settings.models_path / CATALOGUE[0].file
    known.write_bytes(b"")
    assert resolve_model(settings) == known
    assert model_name(known) == "qwen2.5-coder-1.5b"
    assert model_title(known) == "Qwen2.5-Coder-1.5B"


def test_the_catalogues_order_decides_between_its_models(settings: ServerSettings) -> None:
    for model in CATALOGUE:
        (settings.models_path / model.file).write_bytes(b"")
    assert resolve_model(settings) == settings.models_path / "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
    (settings.models_path / "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf").unlink()
    assert model_name(resolve_model(settings) or Path()) == CATALOGUE[1].name


def test_a_model_for_tests_is_used_only_by_name(tmp_path: Path) -> None:
    settings = ServerSettings(data=tmp_path, model="")
    settings.models_path.mkdir()
    (small,) = [model for model in CATALOGUE if not model.by_itself]
    path = settings.models_path / small.file
    path.write_bytes(b"")
    assert small.name == "smollm2-135m"
    assert resolve_model(settings) is None
    assert resolve_model(asking_for(settings, "smollm2-135m")) == path
    write_choice(settings, "smollm2-135m")
    assert resolve_model(settings) == path


def test_the_choice_wins_over_the_order_and_the_setting_over_the_choice(settings: ServerSettings) -> None:
    write_choice(settings, "bravo")
    assert resolve_model(settings) == settings.models_path / "bravo.gguf"
    assert resolve_model(asking_for(settings, "alpha")) == settings.models_path / "alpha.GGUF"


def test_a_choice_of_an_older_docent_counts_until_there_is_a_newer_one(settings: ServerSettings) -> None:
    (settings.data / "model").write_text("bravo\n")
    assert resolve_model(settings) == settings.models_path / "bravo.gguf"
    write_choice(settings, "alpha")
    assert resolve_model(settings) == settings.models_path / "alpha.GGUF"
    assert not (settings.data / "model").exists()


def test_a_path_elsewhere_and_names_in_any_case(settings: ServerSettings, tmp_path: Path) -> None:
    elsewhere = write_tiny_gguf(tmp_path / "elsewhere.gguf")
    assert resolve_model(asking_for(settings, str(elsewhere))) == elsewhere
    for name in ("BRAVO", "bravo.gguf", "Bravo"):
        assert find_model(settings, name, "The test") == settings.models_path / "bravo.gguf"


@pytest.mark.parametrize("name", ["charlie", "/nowhere/x.gguf", "x" * 5000, "folder.gguf", "~nobody-has-this/x.gguf"])
def test_a_name_that_is_not_there_lists_what_is(settings: ServerSettings, name: str) -> None:
    with pytest.raises(ModelNotFound, match="alpha, bravo") as caught:
        resolve_model(asking_for(settings, name))
    assert "DOCENT_MODEL" in caught.value.what


def test_a_name_of_the_catalogue_says_how_to_pull_it(settings: ServerSettings) -> None:
    with pytest.raises(ModelNotFound, match="docent models pull phi-3-mini"):
        resolve_model(asking_for(settings, "phi-3-mini"))


def test_the_parts_of_a_split_model_are_one(settings: ServerSettings) -> None:
    for part in ("big-00001-of-00002.gguf", "big-00002-of-00002.gguf"):
        write_tiny_gguf(settings.models_path / part)
    assert [model.name for model in installed_models(settings)] == ["alpha", "big-00001-of-00002", "bravo"]


def test_a_broken_file_is_listed_with_its_problem(settings: ServerSettings) -> None:
    (settings.models_path / "broken.gguf").write_bytes(b"junk")
    broken = next(model for model in installed_models(settings) if model.name == "broken")
    assert broken.header is None
    assert "not a GGUF" in broken.problem


def test_a_choice_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StorageError, match="could not be written"):
        write_choice(ServerSettings(data=tmp_path / "data"), "bravo")


def run(settings: ServerSettings, *arguments: str, **environment: str) -> tuple[int, str, str]:
    env = {"DOCENT_DATA": str(settings.data), "DOCENT_MODEL": None, **environment}
    result = CliRunner().invoke(main, ["models", *arguments], env=env)
    return result.exit_code, result.stdout, str(result.exception or "") + result.stderr


def test_list_shows_what_is_installed_and_what_can_be_pulled(settings: ServerSettings) -> None:
    (settings.models_path / "broken.gguf").write_bytes(b"junk")
    status, out, _ = run(settings, "list")
    assert status == 0
    assert re.search(r"^\* alpha +.*phi3, context 512 tokens; fits: needs [0-9]+ MiB of memory$", out, re.MULTILINE)
    assert "not a GGUF" in out
    assert re.search(
        r"^  phi-3-mini +2\.4 GB  phi3, context 4,096 tokens; .*\n +for machines with .*; MIT licence$", out, re.M
    )
    assert re.search(r"\([0-9.]+ [GM]iB of memory are free\)", out)


def test_what_was_measured_of_a_model_is_said(settings: ServerSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = replace(CATALOGUE[0], seconds=7.2, right=0.57)
    monkeypatch.setattr(commands, "CATALOGUE", (measured, *CATALOGUE[1:]))
    _, out, _ = run(settings, "list")
    lines = [line.strip() for line in out.splitlines() if line.strip().startswith("the default")]
    assert lines == [
        "the default, for most machines; Apache-2.0 licence; 7 s an answer on two cores; 57% of the questions right"
    ]
    assert out.count("questions right") == sum(model.right is not None for model in CATALOGUE)


def test_list_as_json(settings: ServerSettings) -> None:
    status, out, _ = run(settings, "list", "--json", DOCENT_MODEL="bravo")
    listed = json.loads(out)
    assert status == 0
    assert [(row["name"], row["used"]) for row in listed["installed"]] == [("alpha", False), ("bravo", True)]
    first = listed["installed"][0]
    assert (first["context"], first["fits"]) == (512, True)
    assert first["memory"] == fit_here(read_header(settings.models_path / "alpha.GGUF"), settings, 8 << 30).needs_bytes
    (known,) = [row for row in listed["can_be_pulled"] if row["name"] == "phi-3-mini"]
    assert (known["size"], known["context"], known["licence"]) == (2_393_231_072, 4096, "MIT")
    assert known["fits"] is ("memory" in known)
    default = [row["name"] for row in listed["can_be_pulled"] if row["default"]]
    assert default == [DEFAULT_MODEL]
    assert {"for", "licence", "seconds", "right"} <= set(known)


def test_what_does_not_fit_is_said_in_words_with_what_to_do(settings: ServerSettings) -> None:
    status, out, _ = run(settings, "list", DOCENT_CACHE_MB=str(1 << 30))
    assert status == 0
    line = next(line for line in out.splitlines() if "alpha" in line)
    assert "does not fit: The model needs" in line
    assert "DOCENT_CACHE_MB=0" in line


def test_what_cannot_be_used_on_any_machine_is_not_a_matter_of_memory(settings: ServerSettings) -> None:
    write_tiny_gguf(settings.models_path / "small.gguf", TinyModel(name="Phi-3-small-8k"))
    write_tiny_lora(settings.models_path / "tone.gguf")
    _, out, _ = run(settings, "list")
    lines = {line.split()[0]: line for line in out.splitlines() if "kB" in line and not line.startswith("*")}
    assert "block-sparse" in lines["small"]
    assert "LoRA adapter" in lines["tone"]
    assert "does not fit" not in out


def test_an_installed_model_is_not_offered_and_one_from_elsewhere_is_listed(
    settings: ServerSettings, tmp_path: Path
) -> None:
    for model in CATALOGUE:
        write_tiny_gguf(settings.models_path / model.file)
    elsewhere = write_tiny_gguf(tmp_path / "elsewhere.gguf")
    _, out, _ = run(settings, "list", DOCENT_MODEL=str(elsewhere))
    assert "Nothing else can be pulled" in out
    assert "* elsewhere" in out


def test_names_cannot_steer_a_terminal(settings: ServerSettings) -> None:
    write_tiny_gguf(settings.models_path / "red\x1b[31m.gguf", TinyModel(metadata={"general.url": "\x1b[2J"}))
    _, out, err = run(settings, "list")
    assert "\x1b" not in out + err
    assert "red\\x1b[31m" in out


def test_a_split_model_is_as_large_as_its_parts_and_all_must_be_there(settings: ServerSettings) -> None:
    parts = [settings.models_path / f"big-0000{part}-of-00002.gguf" for part in (1, 2)]
    for part in parts:
        write_tiny_gguf(part)
    big = next(model for model in installed_models(settings) if model.name.startswith("big"))
    assert big.size == sum(part.stat().st_size for part in parts)
    parts[1].unlink()
    big = next(model for model in installed_models(settings) if model.name.startswith("big"))
    assert big.problem == "A part of it is missing: big-00002-of-00002.gguf."


def test_list_with_nothing_installed(tmp_path: Path) -> None:
    status, out, _ = run(ServerSettings(data=tmp_path), "list")
    assert status == 0
    assert "none" in out


def test_pull_takes_a_model_from_a_folder_and_says_how_it_goes(
    settings: ServerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    data = write_tiny_gguf(folder / "tiny.gguf").read_bytes()
    known = replace(CATALOGUE[0], file="tiny.gguf", size=len(data), sha256=hashlib.sha256(data).hexdigest())
    monkeypatch.setattr(catalogue, "CATALOGUE", (known,))
    status, out, err = run(settings, "pull", known.name, "--from", str(folder))
    assert status == 0, err
    assert out == f"{known.name} is installed: {settings.models_path / 'tiny.gguf'}\n"
    assert (settings.models_path / "tiny.gguf").read_bytes() == data
    assert "there already" in run(settings, "pull", known.name)[2]
    assert "There is no folder" in run(settings, "pull", known.name, "--from", str(tmp_path / "none"))[2]


def test_use_writes_the_choice(settings: ServerSettings) -> None:
    status, out, err = run(settings, "use", "bravo")
    assert status == 0
    assert read_choice(settings) == "bravo"
    assert "bravo" in out
    assert err == ""
    assert "* bravo" in run(settings, "list")[1]
    assert "wins over" in run(settings, "use", "alpha", DOCENT_MODEL="bravo")[2]


def test_use_of_what_is_not_there_fails(settings: ServerSettings) -> None:
    status, _, err = run(settings, "use", "charlie")
    assert status != 0
    assert "charlie" in err


def test_a_choice_that_has_gone_is_told_in_the_list(settings: ServerSettings) -> None:
    write_choice(settings, "gone")
    status, out, err = run(settings, "list")
    assert status == 0
    assert "alpha" in out
    assert "gone" in err
