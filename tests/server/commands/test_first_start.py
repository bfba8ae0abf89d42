"""What the terminal shows of a first start."""

import asyncio
import io
import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from server.commands.first_start import ERASE, ArrivalLines, Terminal, follow, moving, say_where
from server.library.job import Job
from server.runtime.model_arrival import Arrival, ModelArrival

URL = "http://127.0.0.1:8000"
BEGUN = Arrival("fetching", "qwen2.5-coder-1.5b", 0, 1_117_320_768)


class Screen(io.StringIO):
    """A terminal, as far as anybody asks."""

    def __init__(self, *, is_terminal: bool = True) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal

    def lines(self) -> list[str]:
        """What stands there: of each line what was written after it was erased last."""
        return [line.rpartition(ERASE)[2] for line in self.getvalue().split("\n")]


def whole(states: Iterable[Arrival], *, every_tenth: bool = True) -> list[str]:
    lines = ArrivalLines(URL)
    return [line for state in states for line in lines.whole(state, every_tenth=every_tenth)]


def test_the_size_is_said_before_and_how_to_leave_it_out() -> None:
    assert whole([Arrival(), BEGUN, BEGUN]) == [
        "Language model qwen2.5-coder-1.5b (1,117 MB) is fetched behind the page; `make chat MODEL=none` leaves it out."
    ]


def test_where_nothing_can_change_in_place_there_is_a_line_each_tenth() -> None:
    states = [replace(BEGUN, done=done) for done in range(0, BEGUN.total, 20_000_000)]
    lines = whole(states)[1:]
    assert lines[:2] == ["Language model: 120 of 1,117 MB", "Language model: 240 of 1,117 MB"]
    assert len(lines) == 9
    assert whole(states, every_tenth=False)[1:] == []


def test_the_last_line_says_where_the_model_writes() -> None:
    states = [BEGUN, replace(BEGUN, stage="checking", done=BEGUN.total), Arrival("loading", BEGUN.model)]
    assert whole([*states, Arrival("ready", BEGUN.model)])[1:] == [
        f"qwen2.5-coder-1.5b writes the answers from now on. Open {URL} in a browser."
    ]


@pytest.mark.parametrize("stage", ["failed", "too_large", "no_room"])
def test_where_none_comes_the_page_is_named(stage: str) -> None:
    ended = Arrival(stage, why="The hub cannot be reached.")  # type: ignore[arg-type]
    assert whole([BEGUN, ended])[1:] == [f"Answers are quotations. The page offers to try again: {URL}"]


def test_an_old_model_that_loads_is_no_news() -> None:
    assert whole([Arrival(), Arrival()]) == []


def test_a_line_changes_in_place_and_what_others_write_stands_above_it() -> None:
    screen = Screen()
    terminal = Terminal(screen)
    terminal.in_place("Language model: 1 of 9 MB")
    terminal.in_place("Language model: 2 of 9 MB")
    handler = logging.StreamHandler(terminal)  # type: ignore[arg-type]
    handler.emit(logging.LogRecord("x", logging.WARNING, "", 0, "a warning", (), None))
    terminal.line("a line")
    assert screen.lines() == ["a warning", "a line", "Language model: 2 of 9 MB"]
    terminal.in_place("")
    assert screen.lines()[-1] == ""


def test_without_a_terminal_there_is_nothing_but_text() -> None:
    screen = Screen(is_terminal=False)
    terminal = Terminal(screen)
    terminal.in_place("Language model: 1 of 9 MB")
    terminal.line("a line with \x1b[31mcolours\x1b[0m in a name")
    assert screen.getvalue() == "a line with \\x1b[31mcolours\\x1b[0m in a name\n"


def test_a_terminal_that_cannot_erase_gets_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert not Terminal(Screen()).can_change


async def shown(state: Arrival, *, is_shared: bool, is_terminal: bool = True) -> str:
    """What `follow` writes in its first look."""
    screen = Screen(is_terminal=is_terminal)
    task = asyncio.create_task(follow(ModelArrival(state), Terminal(screen), URL, lambda: is_shared))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    written = screen.getvalue()
    task.cancel()
    await asyncio.wait({task})
    return written


@pytest.mark.parametrize("is_terminal", [True, False])
async def test_beside_another_bar_nothing_is_written_in_place(is_terminal: bool) -> None:
    written = await shown(BEGUN, is_shared=True, is_terminal=is_terminal)
    assert written.endswith("leaves it out.\n")
    assert (ERASE in written) == is_terminal  # the line on which the other's bar stands


async def test_nothing_is_said_where_nothing_is_fetched() -> None:
    assert await shown(Arrival(), is_shared=False) == ""


async def test_the_address_is_said_again_when_a_folder_was_read() -> None:
    screen, job = Screen(is_terminal=False), Job("docs", [Path("docs")])
    job.end("done")
    await say_where(job, Terminal(screen), URL)
    assert screen.getvalue() == f"Open {URL} in a browser.\n"


def test_only_what_moves_has_a_line_in_place() -> None:
    assert moving(replace(BEGUN, done=412_000_000)) == "Language model: 412 of 1,117 MB"
    assert moving(Arrival("loading", why="Qwen loads (40%).")) == "Qwen loads (40%)."
    assert moving(Arrival()) == moving(Arrival("failed")) == moving(Arrival("ready")) == ""
