"""A state of the search index as a folder: written, and read where it still belongs to the database."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.knowledge.generations import FIRST, current
from indexer.knowledge.tables import Chunk, IndexInfo
from indexer.search.entry_index import EntryIndex
from indexer.search.keywords import KeywordIndex
from indexer.search.rows import FINGERPRINTS, Rows, fingerprint
from indexer.search.state import State, newest_change
from indexer.search.vectors import VectorIndex
from indexer.text.terms import VERSION


class OutdatedSnapshot(ValueError):  # noqa: N818 (nothing is wrong with it)
    """It is of a generation of chunks that is not searched any more."""


def read_snapshot(folder: Path, engine: Engine) -> State:
    """`folder`: named by its change number. Raises OutdatedSnapshot, or whatever reading damaged files raises."""
    with (folder / "rows.npz").open("rb") as file, np.load(file, allow_pickle=False) as stored:
        arrays = dict(stored)
    with Session(engine) as session:
        newest, generation = newest_change(session), current(session)
    if str(arrays["database"]) != _database(engine) or int(folder.name) > newest:
        raise ValueError("it belongs to another database")
    if int(arrays.get("generation", FIRST)) != generation:
        raise OutdatedSnapshot("the index was rebuilt since")
    if str(arrays["terms"]) != VERSION:
        raise ValueError("texts had other search terms then")
    if _sha256(folder / "dense.faiss") != str(arrays["dense_sha256"]):
        raise ValueError("its vectors are not those that were written")
    if str(arrays.get("fingerprints")) != FINGERPRINTS:
        _take_fingerprints(arrays["rows"], engine)
    state = State(
        Rows(arrays["rows"]),
        VectorIndex.read(folder / "dense.faiss"),
        KeywordIndex.from_arrays(_parts(arrays, "bm25")),
        EntryIndex.from_arrays(_parts(arrays, "entry")),
        {int(id_): dict.fromkeys(_lines(spelt), 0) for id_, spelt in _parts(arrays, "words").items()},
        int(folder.name),
        generation,
    )
    if state.spellings.keys() != set(state.rows.values["collection"].tolist()):
        raise ValueError("it lacks the words of a collection")
    if not state.is_even:
        raise ValueError("its parts are of different lengths")
    return state


def write_snapshot(state: State, folder: Path, engine: Engine) -> None:
    """Make the folder, of the state's rows alone: it may be followed meanwhile. Raises OSError."""
    rows = len(state.rows)
    folder.mkdir()
    state.vectors.write(folder / "dense.faiss", rows)
    np.savez(
        folder / "rows.npz",
        allow_pickle=False,
        database=np.array(_database(engine)),
        dense_sha256=np.array(_sha256(folder / "dense.faiss")),
        terms=np.array(VERSION),
        fingerprints=np.array(FINGERPRINTS),
        generation=np.array(state.generation),
        rows=state.rows.values,
        **{f"words{id_}": _as_bytes(spelt) for id_, spelt in _spelt(state).items()},
        **{f"entry{name}": values for name, values in state.entries.arrays(rows).items()},
        **{f"bm25{name}": values for name, values in state.keywords.arrays(rows).items()},
    )


def _take_fingerprints(rows: NDArray[Any], engine: Engine) -> None:
    """Anew from the database, since an older Docent's are of texts folded otherwise: 3 s at 100,000 chunks, where all
    of the index takes 23 s. A chunk that is gone is like no other."""
    with Session(engine) as session:
        texts = session.exec(select(Chunk.id, Chunk.prefix, Chunk.body))
        known = {id_: fingerprint(f"{prefix}\n{body}") for id_, prefix, body in texts}
    rows["text"] = [known.get(id_, -id_) for id_ in rows["chunk"].tolist()]


def _parts(arrays: dict[str, NDArray[np.generic]], prefix: str) -> dict[str, NDArray[np.generic]]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


def _spelt(state: State) -> dict[int, list[str]]:
    """The words of the state's rows, by collection. Another thread may add those of later ones."""
    collections = np.unique(state.rows.values["collection"]).tolist()
    known = {id_: list(state.spellings[id_].items()) for id_ in collections}
    return {id_: [word for word, row in spelt if row < len(state.rows)] for id_, spelt in known.items()}


def _as_bytes(lines: list[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(sorted(lines)).encode(), np.uint8)


def _lines(stored: NDArray[np.generic]) -> list[str]:
    return stored.tobytes().decode().split("\n")


def _database(engine: Engine) -> str:
    """The database's own random name: a snapshot of another one must not be taken for this one's."""
    with Session(engine) as session:
        info = session.get(IndexInfo, "database")
        return info.value if info else ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
