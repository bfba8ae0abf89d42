"""The search seam: FAISS for meaning, BM25 for words, both in memory and both derived from knowledge.db.

Each chunk is a row. A row that was replaced or deleted is dead, not removed (`remove_ids` is a full pass); dead rows
are dropped by `compact`. `Scope` is applied inside every search: a row outside it is neither scored nor
counted. `follow` takes up what the change table says; snapshots carry the change number up to which they are true.
"""

import logging
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.knowledge.database import reading
from indexer.knowledge.readable import readable_documents
from indexer.knowledge.tables import Document
from indexer.passages import Scope
from indexer.search.rows import Rows
from indexer.search.snapshot import OutdatedSnapshot, read_snapshot, write_snapshot
from indexer.search.state import State, followed
from indexer.search.view import View

log = logging.getLogger(__name__)

MASKS = 32
"""Scopes whose rows are remembered until the next change; finding them out takes 20 ms at 100,000 rows."""
DEAD_SHARE = 0.25
"""Share of dead rows from which the store is built anew (and at least `DEAD_ROWS` of them)."""
DEAD_ROWS = 2_000


class Store:
    """The newest state of the search index, for any number of threads.

    `_state` is replaced as a whole and read without a lock: a search goes on with the state that it began with, and
    waits neither for another search nor for `follow`. `_following` is held by the one thread that makes the newest
    state into the next one; `_compacting` by the one that builds a state anew beside it. Some parts of a state have
    locks of their own, for the instants at which something is appended to them.
    """

    def __init__(self, engine: Engine, folder: Path, check: Callable[[Session], None] = lambda _: None) -> None:
        """`check` is asked in the transaction in which changes are taken up, and raises where its vectors must not be
        searched: no state is ever made of them."""
        self._check = check
        self._engine = engine
        self._folder = folder
        self._following = threading.Lock()
        self._compacting = threading.Lock()
        self._state = State()

    def __len__(self) -> int:
        """Searchable chunks."""
        return self._state.rows.alive

    @property
    def change(self) -> int:
        """The last change taken up."""
        return self._state.change

    @property
    def state(self) -> State:
        """The newest."""
        return self._state

    def chunk_ids(self) -> set[int]:
        """Ids of the searchable chunks."""
        rows = self._state.rows.values
        return set(rows["chunk"][rows["alive"]].tolist())

    def view(self, scope: Scope) -> View:
        """The newest state through a scope. What belongs together, such as all of a question, is asked of one view."""
        state = self._state
        mask = state.masks.get(scope)
        if mask is None:
            mask = self._mask(state.rows, scope)
            if len(state.masks) >= MASKS:
                state.masks.clear()
            state.masks[scope] = mask
        return View(scope, state, mask, self._engine)

    def _mask(self, rows: Rows, scope: Scope) -> NDArray[np.bool_]:
        """Which rows the scope searches: bool (n,)."""
        if scope.is_whole_collections:
            return rows.of_collections(scope.collections)
        with Session(self._engine) as session:
            readable = session.exec(select(Document.id).where(readable_documents(scope))).all()
        return rows.of_documents([id_ for id_ in readable if id_ is not None])

    def follow(self) -> int:
        """Take up the changes since the last call; returns how many documents they name."""
        with self._following:
            self._state, count = self._followed(self._state)
        return count

    def _followed(self, state: State) -> tuple[State, int]:
        with reading(self._engine) as session:
            self._check(session)
            return followed(state, session)

    def compact(self) -> None:
        """Where many rows are dead, build a state without them beside the newest, and then put it in its place.

        As slow as a start without a snapshot (23 s at 100,000 chunks, see docs/decisions.md), so no part of `follow`:
        whoever keeps the store calls it where nobody waits. Searches and `follow` go on meanwhile.
        """
        if not self._compacting.acquire(blocking=False):
            return
        try:
            rows = self._state.rows
            dead = len(rows) - rows.alive
            if dead > DEAD_ROWS and dead > DEAD_SHARE * len(rows):
                fresh, _ = self._followed(State())
                with self._following:
                    self._state, _ = self._followed(fresh)  # it takes up what was followed meanwhile
        finally:
            self._compacting.release()

    # Snapshots: a folder `<change number>` each, made beside and renamed, so that a half-written one is never seen.

    def load(self) -> None:
        """Read the newest snapshot that belongs to this database, then follow. Any other is removed."""
        with self._following:
            state, useless = self.stored()
            for snapshot in useless:
                shutil.rmtree(snapshot, ignore_errors=True)
            self._state = state or self._state
        self.follow()

    def stored(self) -> tuple[State | None, list[Path]]:
        """The state of the newest snapshot that belongs to this database, None where there is none; and the newer
        folders that hold no such state."""
        useless: list[Path] = []
        for snapshot in self._snapshots():
            try:
                return read_snapshot(snapshot, self._engine), useless
            except OutdatedSnapshot:
                useless.append(snapshot)
            except Exception as error:  # whatever numpy, zipfile and FAISS raise over damaged bytes
                if not snapshot.exists():  # another process has just replaced it
                    continue
                log.warning("The index snapshot %s cannot be used (%s); the index is built anew.", snapshot, error)
                useless.append(snapshot)
        return None, useless

    def _snapshots(self) -> list[Path]:
        """Newest first."""
        named = [path for path in self._folder.glob("[0-9]*") if path.name.isdecimal() and path.name.isascii()]
        return sorted(named, key=lambda path: int(path.name), reverse=True)

    def save(self) -> None:
        """Write a snapshot of what is in memory, and drop the older ones. Raises OSError; nothing is lost by it.

        Searches and `follow` go on meanwhile. Where another process is just doing so, its snapshot will do.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with suppress(Timeout), FileLock(self._folder / "lock", timeout=0):
            state = self._state
            target, fresh = self._folder / str(state.change), self._folder / "new"
            if not len(state.rows) or target.exists():
                return
            shutil.rmtree(fresh, ignore_errors=True)  # left behind by a kill
            try:
                write_snapshot(state, fresh, self._engine)
                fresh.replace(target)
            except OSError:
                shutil.rmtree(fresh, ignore_errors=True)  # the disk may be full
                raise
            for older in self._snapshots():
                if older != target:
                    shutil.rmtree(older, ignore_errors=True)
