"""The index of a corpus, kept from one evaluation to the next: reading it takes minutes, and it seldom changes.

Each corpus has a folder, and in it one that is named by a hash of all that the index is made of: the corpus, the
settings, the code of the indexer, the embedder's files. Of each corpus the newest alone is kept.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import indexer
from indexer.embed import model_digest, model_folder
from indexer.errors import StartError
from indexer.settings import IndexerSettings

CODE = Path(indexer.__file__).parent
OURS = re.compile("[0-9a-f]{32}|new-[0-9a-f]{16}")
MEASURING = ("evaluate", "commands")  # of the code: what no index depends on


class KeptIndex:
    """Copies of a data folder as it is after ingest, without anything of a server. Every method raises StartError."""

    def __init__(self, root: Path, folder: Path, settings: IndexerSettings) -> None:
        """`root`: where indexes are kept. `folder`: the evaluation folder; the settings name the data folder."""
        self._data = settings.data
        self._corpus = root / f"{folder.resolve().name}.index"
        try:
            self._kept = self._corpus / _fingerprint(folder, settings)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StartError(
                f"The corpus of {folder} cannot be read ({error!r}).", "See docs/evaluating.md."
            ) from error

    def restore(self) -> bool:
        """Put the kept index into the data folder. False: there is none."""
        if not self._kept.is_dir():
            return False
        try:
            shutil.copytree(self._kept, self._data, dirs_exist_ok=True)
        except (OSError, shutil.Error) as error:
            raise _failed(self._kept, error) from error
        return True

    def keep(self) -> None:
        """Keep the data folder as it is: nothing may write to it meanwhile."""
        draft = self._corpus / f"new-{secrets.token_hex(8)}"
        try:
            self._corpus.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds the documents' text
            shutil.copytree(self._data, draft)
            for older in self._corpus.iterdir():
                if OURS.fullmatch(older.name) and older != draft:
                    shutil.rmtree(older)
            os.replace(draft, self._kept)  # noqa: PTH105 (the atomic replacement)
        except (OSError, shutil.Error) as error:
            shutil.rmtree(draft, ignore_errors=True)
            raise _failed(self._corpus, error) from error


def _failed(folder: Path, error: Exception) -> StartError:
    return StartError(f"The index in {folder} cannot be kept or taken from there ({error}).", "Name another --index.")


def _fingerprint(folder: Path, settings: IndexerSettings) -> str:
    """Raises OSError, and ValueError, KeyError or TypeError for a set.json that is none."""
    found = hashlib.sha256(settings.model_dump_json(exclude={"data"}).encode())
    found.update(model_digest(model_folder(settings.embedder)).encode())
    for path, name in _parts(folder):
        found.update(f"\0{name}\0".encode("utf-8", "surrogateescape"))
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()[:32]


def _parts(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file that an index depends on, and its name."""
    for path in sorted(CODE.rglob("*.py")):
        name = path.relative_to(CODE)
        if name.parts[0] not in MEASURING:
            yield path, name.as_posix()
    if not (folder / "set.json").exists():
        yield folder / "corpus.jsonl", "corpus.jsonl"
        return
    corpus = (folder / json.loads((folder / "set.json").read_text(encoding="utf-8"))["documents"]).resolve()
    for path in sorted(corpus.rglob("*")):
        if path.is_file():
            yield path, path.as_posix()
