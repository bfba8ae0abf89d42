"""How a command ends: with its work done, or with one sentence and an exit status; never with a traceback of ours.

Exit status: 0 done, 1 done with failures, 2 could not start, 130 interrupted.
"""

import os
import sys
import tomllib
from typing import Any

import click
from pydantic import ValidationError
from sqlalchemy.exc import DatabaseError, IntegrityError

from indexer.errors import DocentError, StartError, StorageError
from indexer.knowledge.database import storage_error

INTERRUPTED = 130  # 128 + SIGINT, as shells count


class Commands(click.Group):
    """A click group in which the errors of every command are told in one place."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
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
            click.echo(inert_lines(str(error)), err=True)
            sys.exit(error.exit_status)
        except IntegrityError:
            raise  # a mistake of ours, not of the disk
        except DatabaseError as error:
            click.echo(str(storage_error(error, "the data folder")), err=True)
            sys.exit(StorageError.exit_status)
        except ValidationError as error:
            click.echo(_bad_setting(error), err=True)
            sys.exit(2)
        except tomllib.TOMLDecodeError as error:
            click.echo(f"docent.toml in this folder cannot be read: {error}.", err=True)
            sys.exit(2)


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


def _bad_setting(error: ValidationError) -> str:
    first = error.errors()[0]
    name = "_".join(str(part) for part in first["loc"])
    return f"The setting {name} (DOCENT_{name.upper()} or docent.toml) cannot be used: {first['msg']}."
