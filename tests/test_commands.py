"""The words of both programs: there at once, whole, and of the work that they stand for."""

import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name

import click
import pytest
from click.testing import CliRunner

from indexer.cli import main as indexer
from indexer.console import Work
from server.cli import main as docent

ROOT = Path(__file__).parents[1]
COLUMNS = 80  # of the narrowest terminal in which each command has one line
HEAVY = (
    "torch", "sqlalchemy", "sqlmodel", "alembic", "faiss", "numpy", "fastapi", "starlette", "uvicorn", "httpx",
    "llama_cpp", "pydantic", "rich", "watchfiles", "psutil",
)  # fmt: skip
LIGHT = {
    "indexer.cli": ["indexer", "indexer.cli", "indexer.console", "indexer.errors"],
    "server.cli": [
        "indexer",
        "indexer.console",
        "indexer.errors",
        "server",
        "server.cli",
        "server.engine",
        "server.engine.barriers",  # before anything that brings threads of its own
    ],
}


def below(context: click.Context) -> Iterator[click.Context]:
    """The context of a command and of every command below it."""
    yield context
    if isinstance(context.command, click.Group):
        for name, command in context.command.commands.items():
            yield from below(click.Context(command, parent=context, info_name=name))


CONTEXTS = [
    context
    for program, name in ((indexer, "indexer"), (docent, "docent"))
    for context in below(click.Context(program, info_name=name, terminal_width=COLUMNS))
]
GROUPS = [context for context in CONTEXTS if isinstance(context.command, click.Group)]
COMMANDS = [context for context in CONTEXTS if not isinstance(context.command, click.Group)]


def path(context: click.Context) -> str:
    return context.command_path


def loaded(code: str) -> list[str]:
    """The modules that a fresh interpreter holds after `code`."""
    command = [sys.executable, "-c", f"import sys\n{code}\nprint(*sorted(sys.modules), file=sys.stderr)"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stderr.split()


@pytest.mark.parametrize("program", LIGHT)
def test_a_program_begins_without_what_does_its_work(program: str) -> None:
    modules = loaded(f"import {program}")

    assert [name for name in HEAVY if name in modules] == []
    assert [name for name in modules if name.partition(".")[0] in ("indexer", "server")] == LIGHT[program]


@pytest.mark.parametrize("program", LIGHT)
@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_and_version_need_nothing_of_it(program: str, arguments: list[str]) -> None:
    modules = loaded(f"from {program} import main\ntry: main({arguments})\nexcept SystemExit: pass")

    assert [name for name in HEAVY if name in modules] == []


@pytest.mark.parametrize("context", COMMANDS, ids=path)
def test_a_command_gives_its_work_what_the_work_takes(context: click.Context) -> None:
    work = context.command.callback
    assert isinstance(work, Work)
    takes = inspect.signature(resolve_name(work.name)).parameters
    gives = {parameter.name for parameter in context.command.params if parameter.expose_value}
    assert gives == set(takes)


@pytest.mark.parametrize("group", GROUPS, ids=path)
def test_each_command_has_one_whole_line(group: click.Context) -> None:
    assert isinstance(group.command, click.Group)
    listed = group.command.get_help(group).partition("Commands:\n")[2].splitlines()

    assert [line for line in listed if len(line) > COLUMNS or not line.endswith(".") or line.endswith("...")] == []
    assert [line.split()[0] for line in listed] == sorted(group.command.commands)


@pytest.mark.parametrize("group", GROUPS, ids=path)
def test_a_narrower_terminal_cuts_nothing_either(group: click.Context) -> None:
    assert isinstance(group.command, click.Group)
    narrow = click.Context(group.command, info_name=group.info_name, terminal_width=30)

    words = " ".join(group.command.get_help(narrow).split())
    assert "..." not in words.replace("COMMAND [ARGS]...", "")
    for command in group.command.commands.values():
        assert command.get_short_help_str() in words


@pytest.mark.parametrize("context", CONTEXTS, ids=path)
def test_every_command_explains_itself_and_each_option(context: click.Context) -> None:
    assert (context.command.help or "").rstrip().endswith(".")
    options = [one for one in context.command.params if isinstance(one, click.Option)]
    assert [one.name for one in options if not (one.help or "").endswith(".")] == []


def test_a_mistyped_option_is_told_without_what_does_the_work() -> None:
    result = CliRunner().invoke(indexer, ["ingest", "--colection", "x", "docs"], prog_name="indexer")

    assert result.exit_code == 2
    assert "--collection" in result.stderr
