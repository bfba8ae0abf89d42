"""A process of our own that is spoken to over its standard input and output, and ended when it is of no use any more:
what the reading and the drawing of documents have in common, seen from outside. `confined` is the same from inside.
"""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from indexer.documents import channel

_PACKAGES = Path(__file__).parents[2]
"""Where `indexer` lies. A process starts there: in a folder of documents, a file named yaml.py would be imported."""
_SECRETS = "DOCENT_"  # settings, the password among them: a process that opens documents is told what it needs
_STARTING = 30  # seconds that starting a process may take on a busy machine
_ENDING = 0.2  # seconds that an idle process has to notice that its input has ended


class NotStarted(Exception):  # noqa: N818 (what happened)
    """With the reason why."""


def start(module: str, *arguments: object) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """The process that runs a module of ours, and its first message. Raises NotStarted.

    It ends when the thread that started it ends (so Linux has it), where the module calls `confined.end_with`.
    """
    command = [sys.executable, "-W", "ignore", "-m", module, *map(str, arguments)]
    try:
        process = subprocess.Popen(  # noqa: S603 (nothing here comes from outside)
            command,
            cwd=_PACKAGES,
            env={name: value for name, value in os.environ.items() if not name.startswith(_SECRETS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C in a terminal is for the program, which then ends this process itself
        )
    except OSError as error:
        raise NotStarted(str(error)) from error
    try:
        return process, channel.receive(pipes(process)[1], time.monotonic() + _STARTING)
    except (TimeoutError, channel.ChannelClosed, channel.ChannelBroken) as error:
        stop(process)
        raise NotStarted(f"exit status {process.returncode}") from error
    except BaseException:
        stop(process)
        raise


def pipes(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Descriptors for requests and for replies."""
    if process.stdin is None or process.stdout is None:
        raise channel.ChannelClosed
    return process.stdin.fileno(), process.stdout.fileno()


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and collect it. What it was doing is of no use any more, so there is nothing to wait for."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_ENDING if process.returncode is None else 0)
        return
    process.kill()
    process.wait()
