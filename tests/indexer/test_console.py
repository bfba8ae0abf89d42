"""How a command ends, whatever its work raises."""

import sqlite3
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError, OperationalError

from indexer.console import Commands
from indexer.errors import BusyError, DocentError, StartError, program
from indexer.settings import IndexerSettings


def group(problem: BaseException) -> click.Group:
    @click.group(cls=Commands)
    def main() -> None:
        pass

    @main.command()
    def fail() -> None:
        raise problem

    return main


def bad_setting() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        IndexerSettings(chunk_tokens=0)
    return caught.value


@pytest.mark.parametrize(
    ("problem", "status", "words"),
    [
        (DocentError("It failed.", "Do this."), 1, "It failed. Do this.\n"),
        (StartError("It could not start."), 2, "It could not start.\n"),
        (BusyError("Another one writes."), 75, "Another one writes.\n"),
        (StartError("\x1b[2JIt could not start."), 2, "\\x1b[2JIt could not start.\n"),
        (KeyboardInterrupt(), 130, ""),
        (click.UsageError("Wrong."), 2, "Wrong."),
        (
            OperationalError("", {}, sqlite3.OperationalError("disk I/O error")),
            2,
            "the data folder cannot be used: disk",
        ),
        (OperationalError("", {}, sqlite3.DatabaseError("file is not a database")), 2, "the data folder is damaged"),
        (tomllib.TOMLDecodeError("no value"), 2, "docent.toml in this folder cannot be read: no value.\n"),
        (bad_setting(), 2, "The setting chunk_tokens (DOCENT_CHUNK_TOKENS or docent.toml) cannot be used"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_how_commands_end(problem: BaseException, status: int, words: str) -> None:
    result = CliRunner().invoke(group(problem), ["fail"])

    assert (result.exit_code, result.stdout) == (status, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("fault", [RuntimeError("ours"), IntegrityError("", {}, sqlite3.IntegrityError("ours"))])
def test_a_fault_of_ours_is_seen_as_one(fault: Exception) -> None:
    result: Any = CliRunner().invoke(group(fault), ["fail"])

    assert result.exception is fault


def test_a_command_is_named_as_it_can_be_called_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "product" / ".venv" / "bin" / "indexer"
    own.parent.mkdir(parents=True)
    monkeypatch.setattr(sys, "executable", str(own.with_name("python")))
    monkeypatch.setenv("PATH", "")
    assert program("indexer") == "indexer", "there is none of this installation: whoever started it knows how"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.chdir(tmp_path / "product")
    assert program("indexer") == ".venv/bin/indexer"
    monkeypatch.chdir("/")
    assert program("indexer") == str(own)
    monkeypatch.chdir(own.parent)
    monkeypatch.setenv("PATH", str(own.parent))
    assert program("indexer") == "indexer"
