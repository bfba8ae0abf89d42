"""What an operator leaves out of a folder: the file `.docentignore` at its top, a pattern a line.

A pattern without a slash is the name of a file or folder anywhere below; one with a slash is a path from the top, `*`
standing for part of one name. A slash at the end means folders alone. `*`, `?` and `[...]` are as in a shell, empty
lines and lines that begin with `#` say nothing. What is left out of a folder is left out of every run over it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from indexer.errors import FolderError

NAME = ".docentignore"
MOST_PATTERNS = 1000
"""Every file of a folder is held against each pattern."""
MOST_BYTES = 64_000


@dataclass(frozen=True)
class Pattern:
    parts: tuple[str, ...]  # of a path from the top, or one name
    anywhere: bool
    folders_only: bool

    def matches(self, path: Sequence[str], is_folder: bool) -> bool:
        if self.folders_only and not is_folder:
            return False
        held = path[-1:] if self.anywhere else path
        return len(held) == len(self.parts) and all(map(fnmatchcase, held, self.parts))


@dataclass(frozen=True)
class LeftOut:
    """The patterns of one folder; without any nothing is left out."""

    patterns: tuple[Pattern, ...] = ()

    def holds(self, path: str, *, is_folder: bool) -> bool:
        """Whether a path relative to the folder, POSIX form, matches: that of a file, or of a folder with all in it."""
        parts = path.split("/")
        return any(pattern.matches(parts, is_folder) for pattern in self.patterns)

    def holds_file(self, path: str) -> bool:
        """The same for a file that no walk came by: also where a folder around it is left out."""
        parts = path.split("/")
        around = ("/".join(parts[:depth]) for depth in range(1, len(parts)))
        return self.holds(path, is_folder=False) or any(self.holds(folder, is_folder=True) for folder in around)


def read_left_out(folder: Path) -> LeftOut:
    """Raises FolderError where the folder's file cannot be understood: it must not index what it should not."""
    path = folder / NAME
    try:
        if path.is_symlink():  # it may lead out of what the operator named, and a message would show what is there
            raise FolderError(f"{path} is a link, which is not followed.", "Put the file itself there, or remove it.")
        if not path.is_file():
            return LeftOut()
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = "it is no text in UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise FolderError(f"{path} cannot be read: {why}.", "Save it as UTF-8 text, or remove it.") from error
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    wanted = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if len(data) > MOST_BYTES or len(wanted) > MOST_PATTERNS:
        raise FolderError(
            f"{path} has more than {MOST_PATTERNS:,} patterns or {MOST_BYTES:,} bytes.", "Name folders in it."
        )
    return LeftOut(tuple(_pattern(path, number, line) for number, line in wanted))


def _pattern(path: Path, number: int, line: str) -> Pattern:
    parts = tuple(line.strip("/").split("/"))
    if line.startswith("!") or "**" in line or not all(parts) or ".." in parts or "." in parts:
        raise FolderError(
            f"{path}, line {number}: `{line}` is no pattern that Docent knows.",
            "Write a name, or a path from this folder; `!`, `**`, `.` and `..` are not understood.",
        )
    return Pattern(parts, anywhere="/" not in line.rstrip("/"), folders_only=line.endswith("/"))
