"""How a command begins and ends.

It begins at once: the words of every command are loaded, but what does its work only when it is run.
It ends with its work done, or with one sentence and an exit status; never with a traceback of ours.

Exit status: 0 done, 1 done with failures, 2 could not start, 75 could not start now since another process works on
the same data, 130 interrupted.
"""

import os
import sys
from collections.abc import Callable
from functools import update_wrapper
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import click

from indexer.errors import DocentError, StartError

OWNER_ONLY = 0o077
INTERRUPTED = 130  # 128 + SIGINT, as shells count
LONGEST_SENTENCE = 500  # characters; no first sentence of a help text comes near


class Work:
    """A function by its name, "module:function"; the module is loaded when the function is first called."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return resolve_name(self.name)(*arguments, **named)


IN_OUR_WORDS = Work("indexer.library_errors:in_our_words")


def done_by(name: str) -> Callable[[Callable[[], None]], Work]:
    """The decorated function lends a command its name and its help; the function "module:function" does the work."""

    def work(words: Callable[[], None]) -> Work:
        found = Work(name)
        update_wrapper(found, words)
        return found

    return work


class Command(click.Command):
    """A click command whose line in the list of commands is its first sentence, whole."""

    def get_short_help_str(self, limit: int = LONGEST_SENTENCE) -> str:
        """Longer than `limit` it is wrapped, where click would cut it."""
        return super().get_short_help_str(max(limit, LONGEST_SENTENCE))


class Commands(Command, click.Group):
    """A click group in which the errors of every command are told in one place."""

    command_class = Command
    group_class = type  # a group in it is one like this

    def main(self, *args: Any, **kwargs: Any) -> Any:
        os.umask(OWNER_ONLY)  # what is written are people's questions and a company's documents
        try:
            return super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except (KeyboardInterrupt, click.Abort):
            sys.exit(INTERRUPTED)
        except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except DocentError as error:
            _tell(error)
        except Exception as error:
            told = IN_OUR_WORDS(error)
            if told is None:
                raise
            _tell(told)


class PathName(click.Path):
    """A path as Path. An empty one, as a variable gives that is not set, would be the folder that one stands in."""

    def __init__(self, *, exists: bool = False) -> None:
        super().__init__(exists=exists, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("A path is empty. The folder that you are in is called .", param, ctx)
        return super().convert(value, param, ctx)


def not_empty(_context: click.Context, _parameter: click.Parameter, question: str) -> str:
    """A click callback: no question finds something that answers nothing. Raises StartError."""
    if not question.strip():
        raise StartError("The question is empty.", "Write it between quotation marks.")
    return question


def inert(text: str) -> str:
    """The text on one line with nothing in it that a terminal would obey: names of files may hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def inert_lines(text: str) -> str:
    """The same for a text of several lines, such as an answer: its lines stay, other white space becomes a space."""
    return "\n".join(inert("".join(" " if c.isspace() else c for c in line)) for line in text.split("\n"))


def _tell(error: DocentError) -> None:
    click.echo(inert_lines(str(error)), err=True)
    sys.exit(error.exit_status)
