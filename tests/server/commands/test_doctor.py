"""`docent doctor` names what is wrong, each thing in words, and changes nothing."""

import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import SecretStr
from sqlmodel import Session

from indexer.knowledge.database import open_knowledge
from indexer.knowledge.index_info import describe_index
from server.app import Parts
from server.cli import main
from server.commands.doctor import Finding, examine
from server.engine.llama import library
from server.settings import ServerSettings
from tests.server.fakes import HANDBOOK, fill, no_generator, open_fake_retriever, serving
from tests.tiny_gguf import write_tiny_gguf


def found(settings: ServerSettings) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(settings)}


def test_a_fresh_installation_has_no_problem(settings: ServerSettings) -> None:
    findings = found(settings)

    assert {finding.state for finding in findings.values()} <= {"ok", "note"}
    assert all(finding.detail.endswith(".") for finding in findings.values())
    assert not settings.data.exists(), "it changed nothing"
    assert "docent models pull" in findings["language model"].detail


def test_what_is_indexed_is_counted(settings: ServerSettings) -> None:
    fill(settings, {"handbook": HANDBOOK})

    findings = found(settings)
    assert findings["index"].state == "ok"
    assert findings["index"].detail.startswith("2 documents in 1 collection")


def test_a_damaged_database_is_told_without_its_sql(settings: ServerSettings) -> None:
    fill(settings, {"handbook": HANDBOOK})
    path = settings.knowledge_path
    path.write_bytes(path.read_bytes()[:4096] + b"\xa5" * (path.stat().st_size - 4096))

    index = found(settings)["index"]
    assert index.state == "problem"
    assert "is damaged" in index.detail
    assert "SELECT" not in index.detail


def test_a_data_folder_that_is_a_file(settings: ServerSettings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    findings = found(settings.model_copy(update={"data": tmp_path / "file"}))

    assert findings["data folder"].state == "problem"
    assert "DOCENT_DATA" in findings["data folder"].detail


def test_a_database_that_is_none(settings: ServerSettings) -> None:
    settings.data.mkdir()
    settings.knowledge_path.write_bytes(b"no database" * 1000)

    findings = found(settings)
    assert findings["database"].state == findings["index"].state == "problem"
    assert findings["address"].state == "ok", "the other checks still run"


def test_an_index_of_another_model(settings: ServerSettings) -> None:
    engine = open_knowledge(settings)
    with Session(engine) as session:
        describe_index(session, settings.model_copy(update={"embedder": "another"}), 3)
        session.commit()
    engine.dispose()

    assert "indexer rebuild" in found(settings)["index"].detail


@pytest.mark.parametrize(
    ("embedder", "state"), [("./no/such/folder", "problem"), ("intfloat/e5-small", "note"), ("all-MiniLM-L6-v2", "ok")]
)
def test_the_search_model(settings: ServerSettings, embedder: str, state: str) -> None:
    assert found(settings.model_copy(update={"embedder": embedder}))["search model"].state == state


def test_the_language_model(settings: ServerSettings, tmp_path: Path) -> None:
    settings.models_path.mkdir(parents=True)
    (settings.models_path / "junk.gguf").write_bytes(b"this is no model")
    assert found(settings)["language model"].state == "problem"

    good = settings.model_copy(update={"model": str(write_tiny_gguf(tmp_path / "tiny.gguf"))})
    assert found(good)["language model"].state == "ok"
    bad_adapter = found(good.model_copy(update={"lora": "nowhere.gguf"}))["language model"]
    assert bad_adapter.state == "problem"
    assert "nowhere.gguf" in bad_adapter.detail
    card = found(good.model_copy(update={"gpu_layers": 5}))["language model"]
    assert card.state == ("ok" if library().llama_supports_gpu_offload() else "problem")
    wrong = found(settings.model_copy(update={"model": "nowhere"}))["language model"]
    assert wrong.state == "problem"
    assert "nowhere" in wrong.detail


def test_an_address_that_is_taken_or_open(settings: ServerSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = found(settings.model_copy(update={"port": listener.getsockname()[1]}))["address"]
    assert taken.state == "problem"
    assert "in use" in taken.detail
    assert found(settings.model_copy(update={"host": "0.0.0.0"}))["address"].state == "problem"  # noqa: S104
    guarded = {"host": "0.0.0.0", "api_key": SecretStr("k"), "password": SecretStr("p")}  # noqa: S104
    assert found(settings.model_copy(update=guarded))["address"].state == "ok"


def test_a_running_server_is_no_problem(settings: ServerSettings) -> None:
    with serving(settings, Parts(open_retriever=open_fake_retriever, open_generator=no_generator)) as url:
        assert found(settings)["address"] == Finding("address", "ok", f"Docent runs at {url}.")


def test_the_command_ends_with_what_it_found(settings: ServerSettings, tmp_path: Path) -> None:
    good = CliRunner().invoke(main, ["doctor", "--json"], env={"DOCENT_DATA": str(settings.data), "DOCENT_PORT": "0"})
    assert good.exit_code == 0
    assert {row["state"] for row in json.loads(good.stdout)} <= {"ok", "note"}

    bad = CliRunner().invoke(main, ["doctor"], env={"DOCENT_DATA": str(settings.data), "DOCENT_MODEL": "nowhere"})
    assert bad.exit_code == 1
    assert "problem  language model: " in bad.stdout
