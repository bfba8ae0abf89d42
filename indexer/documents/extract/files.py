"""Open a file to index: a regular file of a type that is read, not too large, readable. Nothing else is ever opened."""

import errno
import os
import stat
from pathlib import Path

from indexer.documents.extract.formats import check_supported
from indexer.errors import UnreadableFile, UnsupportedFile

MEGABYTE = 1_000_000
NOT_WAITING = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)
"""How to open what was a file when it was looked at: a pipe that has taken its place meanwhile is not waited for."""
_NOT_GIVEN = "The file cannot be read: the disk does not give it."
_REASONS = {
    errno.ELOOP: ("It is a chain of symbolic links that leads back to itself.", "Put the file itself there."),
    errno.ENAMETOOLONG: ("Its name, with the folders before it, is too long to be opened.", "Give it a shorter one."),
    errno.ESTALE: ("The disk of another computer that it lies on has lost it.", "Connect that disk anew."),
    errno.ETIMEDOUT: ("The disk of another computer that it lies on does not answer.", "Connect that disk anew."),
    errno.EBUSY: ("Another program holds the file.", "Close it there, then run again."),
}


def check_file(path: Path, max_file_mb: int) -> None:
    """Raises UnsupportedFile or UnreadableFile with the reason why `path` cannot be read."""
    check_supported(path)
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise unreadable(error) from error
    _check_kind(found)
    if found.st_size > max_file_mb * MEGABYTE:
        raise UnsupportedFile(
            f"The file has {found.st_size / MEGABYTE:,.1f} MB, more than the {max_file_mb} MB that are read.",
            "Raise DOCENT_MAX_FILE_MB to read it.",
        )
    if found.st_size == 0:
        raise UnsupportedFile("The file is empty.")


def read_file(path: Path, max_file_mb: int) -> bytes:
    """The bytes of a regular file. Raises UnsupportedFile or UnreadableFile."""
    most = max_file_mb * MEGABYTE
    try:
        descriptor = os.open(path, NOT_WAITING)
    except (OSError, ValueError) as error:
        raise unreadable(error) from error
    try:
        _check_kind(os.fstat(descriptor))  # a folder cannot be made a stream of
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise unreadable(error) from error
    finally:
        os.close(descriptor)
    if len(data) > most:
        raise UnsupportedFile(
            f"The file has grown to more than the {max_file_mb} MB that are read.",
            "Raise DOCENT_MAX_FILE_MB to read it.",
        )
    return data


def _check_kind(found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise UnsupportedFile("It is a folder, not a file.")
    if not stat.S_ISREG(found.st_mode):
        raise UnsupportedFile("It is a pipe, a socket or a device, not a file.")


def unreadable(error: OSError | ValueError) -> UnreadableFile:
    """What the system says of a file, in words of the ledger."""
    if isinstance(error, PermissionError):
        return UnreadableFile(
            "Docent may not read the file.", "Give the user that runs the indexer the right to read it."
        )
    if isinstance(error, FileNotFoundError):
        return UnreadableFile("The file is not there any more.")
    number = error.errno if isinstance(error, OSError) else None
    return UnreadableFile(*_REASONS.get(number or 0, (_NOT_GIVEN, "Check the disk that it lies on, then run again.")))
