"""Puts, deletions, rebuilds and their ends between any two commits, in any order: what is searched is always whole."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlmodel import Session, select

from indexer import rebuild as module
from indexer.knowledge import generations
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.generations import is_current, rebuild_under_way
from indexer.knowledge.tables import Chunk, Document
from indexer.rebuild import discard_rebuild, rebuild_index
from indexer.search.agreement import differences
from indexer.search.store import Store
from indexer.settings import IndexerSettings
from indexer.verify import verify_index
from tests.indexer.interrupted import Ended, Meanwhile, ended_after
from tests.indexer.small_knowledge import Knowledge
from tests.word_embedder import WordEmbedder

PATHS = ("a.md", "b.md", "c.md")
PARAGRAPHS = st.lists(
    st.sampled_from(["Leave days.", "Pay day.", "Leave pay leave. " * 9]), min_size=1, max_size=4
).map(tuple)


class AnyOrder(RuleBasedStateMachine):
    """`texts` is what was put and not deleted; `store` follows as a running server does."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        settings = IndexerSettings(data=Path(self.folder.name))
        self.knowledge = Knowledge(open_knowledge(settings), settings)
        self.engine = self.knowledge.engine
        self.texts: dict[str, tuple[str, ...]] = {}
        self.store = Store(self.engine, settings.index_path)
        self.patch = pytest.MonkeyPatch()
        for name, value in {"BATCH_CHUNKS": 3, "AT_ONCE": 2, "CLEARED_TOGETHER": 2}.items():
            self.patch.setattr(module, name, value)
        self.patch.setattr(generations, "REMOVED_AT_ONCE", 2)

    def sized(self, tokens: int) -> IndexerSettings:
        return self.knowledge.settings.model_copy(update={"chunk_tokens": tokens})

    @contextmanager
    def ending(self, commits: int) -> Iterator[None]:
        """As if killed after so many commits."""
        restore = ended_after(self.engine, commits)
        try:
            yield
        except Ended:
            pass
        finally:
            restore()

    def change(self, path: str, paragraphs: tuple[str, ...]) -> None:
        """Put it, or delete it where it has no words."""
        if paragraphs:
            self.knowledge.put(path, *paragraphs)
            self.texts[path] = paragraphs
        elif self.texts.pop(path, ()):
            self.knowledge.delete(path)

    @rule(path=st.sampled_from(PATHS), paragraphs=PARAGRAPHS)
    def put(self, path: str, paragraphs: tuple[str, ...]) -> None:
        self.change(path, paragraphs)

    @rule(path=st.sampled_from(PATHS))
    def delete(self, path: str) -> None:
        self.change(path, ())

    @rule(tokens=st.sampled_from([48, 256]), commits=st.integers(0, 30))
    def rebuild(self, tokens: int, commits: int) -> None:
        with self.ending(commits):
            rebuild_index(self.sized(tokens), self.engine, WordEmbedder())  # type: ignore[arg-type]

    @rule(
        tokens=st.sampled_from([48, 256]),
        path=st.sampled_from(PATHS),
        paragraphs=st.one_of(PARAGRAPHS, st.just(())),
        at=st.integers(1, 3),
    )
    def rebuild_beside_a_change(self, tokens: int, path: str, paragraphs: tuple[str, ...], at: int) -> None:
        embedder = Meanwhile(lambda: self.change(path, paragraphs), at, digest="words", sign=1)
        rebuild_index(self.sized(tokens), self.engine, embedder)  # type: ignore[arg-type]

    @rule(commits=st.integers(0, 8))
    def discard(self, commits: int) -> None:
        with self.ending(commits):
            discard_rebuild(self.knowledge.settings, self.engine)

    @rule()
    def follow(self) -> None:
        self.store.follow()
        anew = Store(self.engine, self.knowledge.settings.index_path)
        anew.follow()
        assert list(differences(self.store.state, anew.state)) == []
        with Session(self.engine) as session:
            assert anew.chunk_ids() == set(session.exec(select(Chunk.id).where(is_current())))

    @invariant()
    def is_whole(self) -> None:
        assert verify_index(self.knowledge.settings, self.engine) == []
        with Session(self.engine) as session:
            found = dict(session.exec(select(Document.path, Document.text)).all())
        assert found == {path: "\n\n".join(paragraphs) for path, paragraphs in self.texts.items()}

    def teardown(self) -> None:
        settings = self.sized(128)
        rebuild_index(settings, self.engine, WordEmbedder())  # type: ignore[arg-type]
        self.follow()
        with Session(self.engine) as session:
            assert rebuild_under_way(session) is None
            assert not session.exec(select(Chunk.id).where(~is_current())).all()
        self.patch.undo()
        self.engine.dispose()
        self.folder.cleanup()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = hypothesis_settings(
    max_examples=8, stateful_step_count=10, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
