"""The exceptions that Docent raises on purpose. Each says what happened and what to do next.

DocentError                      exit status 1
├── StartError                   exit status 2: the work could not begin
│   ├── FolderError              a path to ingest is missing, nested in another root, or suddenly empty
│   ├── EmbedderError            the embedding model is not there, or is not what it claims to be
│   ├── IndexMismatchError       the index was built with another model or chunker
│   ├── BusyError                exit status 75: another process holds what is needed; later it may work
│   └── StorageError             the disk is full or the data folder cannot be used
└── FileError                    one file could not be indexed; ends in the ledger, never stops a run
    ├── UnsupportedFile          state "skipped"
    ├── UnreadableFile           state "failed"
    │   └── OverLimit            it takes more time or memory than it may: not tried again until it or the limits change
    ├── NeedsOcr                 state "needs_ocr"
    └── Unsettled                state "skipped": it moved, vanished or changed while it was read
"""

import shutil
import sys
from pathlib import Path
from typing import ClassVar

SAVE_AGAIN = "Open it in the program that it was made with and save it again, or fetch it anew."
"""What to do with a damaged file: most programs mend what they can when they open it."""


class DocentError(Exception):
    """An error with `what` happened and `advice` on what to do; `str()` is both."""

    exit_status: ClassVar[int] = 1

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(f"{what} {advice}".strip())
        self.what = what
        self.advice = advice


class StartError(DocentError):
    exit_status: ClassVar[int] = 2


class FolderError(StartError):
    pass


class EmbedderError(StartError):
    pass


class IndexMismatchError(StartError):
    pass


class BusyError(StartError):
    exit_status: ClassVar[int] = 75  # EX_TEMPFAIL of sysexits.h


class StorageError(StartError):
    pass


class FileError(DocentError):
    """One file's failure; `state` is the ledger state that it leads to."""

    state: ClassVar[str] = "failed"


class UnsupportedFile(FileError):  # noqa: N818 (named for the state it leads to)
    state: ClassVar[str] = "skipped"


class UnreadableFile(FileError):  # noqa: N818
    state: ClassVar[str] = "failed"


class OverLimit(UnreadableFile):
    pass


class NeedsOcr(FileError):  # noqa: N818
    state: ClassVar[str] = "needs_ocr"


class Unsettled(FileError):  # noqa: N818
    """No failure of the run: the next one finds the file elsewhere, gone or finished. What was indexed of it stays
    until then, since a disk that gives out in the middle of a run looks the same."""

    state: ClassVar[str] = "skipped"


def program(name: str) -> str:
    """How the command `name` of this installation is called here: by its name where a shell finds it, else by its path
    from the working folder, or from the root where it lies elsewhere."""
    own = Path(sys.executable).with_name(name)
    found = shutil.which(name)
    if not own.exists() or (found is not None and Path(found).absolute() == own.absolute()):
        return name
    here = Path.cwd()
    return str(own.relative_to(here)) if own.is_relative_to(here) and here != Path(here.anchor) else str(own)
