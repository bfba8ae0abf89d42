"""make/chat.sh: what it asks of `docent`, which only writes down how it was called."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCENT = """#!/usr/bin/env bash
printf '%s\\n' "DOCENT_MODEL=${DOCENT_MODEL-}" "$@"
"""


@dataclass(frozen=True)
class Chat:
    folder: Path

    def run(self, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/bin:/bin", "DOCS": "docs", **variables}
        command = ["bash", "make/chat.sh"]
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)

    def called(self, **variables: str) -> list[str]:
        done = self.run(**variables)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()


@pytest.fixture
def chat(tmp_path: Path) -> Chat:
    folder = tmp_path / "a folder"
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / "docs").mkdir()
    (folder / "make").mkdir()
    shutil.copy(ROOT / "make/chat.sh", folder / "make")
    for path, script in ((".venv/bin/docent", DOCENT), ("make/setup.sh", "#!/bin/sh\ntouch was-set-up\n")):
        (folder / path).write_text(script)
        (folder / path).chmod(0o755)
    return Chat(folder)


@pytest.mark.parametrize("variables", [{}, {"MODEL": ""}])
def test_without_a_name_the_start_chooses_a_small_model(chat: Chat, variables: dict[str, str]) -> None:
    assert chat.called(**variables) == ["DOCENT_MODEL=", "serve", "--ingest", "docs", "--fetch", "default"]


def test_a_name_is_fetched_behind_the_page(chat: Chat) -> None:
    assert chat.called(MODEL="phi-3-mini")[-2:] == ["--fetch", "phi-3-mini"]


def test_none_leaves_it_out(chat: Chat) -> None:
    assert chat.called(MODEL="none") == ["DOCENT_MODEL=none", "serve", "--ingest", "docs"]


def test_a_file_is_used_and_nothing_fetched(chat: Chat) -> None:
    (chat.folder / "my model.gguf").touch()
    assert chat.called(MODEL="my model.gguf") == ["DOCENT_MODEL=my model.gguf", "serve", "--ingest", "docs"]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"DOCS": "no such folder"}, "There is no folder no such folder."),
        ({"MODEL": "gone/model.gguf"}, "There is no file gone/model.gguf."),
    ],
)
def test_what_is_not_there_is_named_before_anything_begins(chat: Chat, variables: dict[str, str], words: str) -> None:
    done = chat.run(**variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(words)
    assert not (chat.folder / "was-set-up").exists(), "set-up takes minutes"


def test_everything_is_set_up_first(chat: Chat) -> None:
    chat.called()
    assert (chat.folder / "was-set-up").exists()
