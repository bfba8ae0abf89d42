"""A question and its history to ranked passages: the one search that the server, the commands and `evaluate` share.

question -> vectors and terms -> candidates (FAISS, BM25) -> fused scores -> chunks -> passages
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from indexer.database import open_knowledge
from indexer.embed import Embedder, SentenceTransformerEmbedder, Vectors
from indexer.index_info import check_index
from indexer.models import Chunk, Document, Passage, Scope, Sentence
from indexer.settings import IndexerSettings
from indexer.store import Candidates, Store
from indexer.terms import query_terms

DENSE_WEIGHT = 0.5
"""Convex fusion, half and half: recall@5 .823 on multi-turn where BM25 alone has .748 and cosine alone .737;
reciprocal-rank fusion loses to BM25 alone on squad (.934 against .936)."""

HISTORY_WEIGHT = 0.5
"""Share of the scores for the last two user turns joined, against those of the last turn alone: .878 against .858 with
the joined text alone and .823 with the last turn alone (multi-turn, recall@5)."""

QUERY_CHARACTERS = 4_000
"""A longer question is cut: the embedder reads no more than its first few hundred words anyway."""

MERGED_CHUNKS = 3
"""Most neighbouring chunks in one passage."""


@dataclass(frozen=True)
class Retrieved:
    """Passages in rank order, and what the question was turned into, so that sentences are scored alike."""

    passages: tuple[Passage, ...]
    vector: Vectors  # (dim,): mean of the question's vectors, history mixed in
    terms: dict[str, float]  # search terms and how much each tells (idf, halved where only the history has it)


@dataclass(frozen=True)
class _Found:
    """A chunk that was found, with what is needed of its document."""

    chunk: Chunk
    collection_id: int
    path: str
    title: str


class Retriever:
    """Thread-safe search over one data folder."""

    def __init__(self, engine: Engine, embedder: Embedder, store: Store, settings: IndexerSettings) -> None:
        self.engine = engine
        self.embedder = embedder
        self.store = store
        self._settings = settings

    def follow(self) -> int:
        """Take up what was committed since. Raises IndexMismatchError when the index was rebuilt with another model."""
        check_index(self.engine, self._settings)
        return self.store.follow()

    def search(self, question: str, history: Sequence[str], scope: Scope, k: int = 8) -> list[Passage]:
        """At most `k` passages, best first. `history`: the user's earlier messages, oldest first."""
        return list(self.retrieve(question, history, scope, k).passages)

    def retrieve(self, question: str, history: Sequence[str], scope: Scope, k: int = 8) -> Retrieved:
        question = question[:QUERY_CHARACTERS]
        asked = [question, f"{history[-1][:QUERY_CHARACTERS]} {question}"] if history else [question]
        shares = [1 - HISTORY_WEIGHT, HISTORY_WEIGHT] if history else [1.0]
        vectors = self.embedder.encode_queries(asked)
        scores: defaultdict[int, float] = defaultdict(float)
        cosines: defaultdict[int, float] = defaultdict(float)
        weights: dict[str, float] = {}
        for text, vector, share in zip(asked, vectors, shares, strict=True):
            terms = query_terms(text)
            candidates = self.store.search(vector, terms, scope)
            for chunk_id, score, cosine in zip(candidates.chunk_ids, _fuse(candidates), candidates.cosine, strict=True):
                scores[int(chunk_id)] += share * float(score)
                cosines[int(chunk_id)] = max(cosines[int(chunk_id)], float(cosine))
            for term, idf in self.store.idf(terms, scope).items():
                weights[term] = weights.get(term, 0.0) + share * idf
        ranked = sorted(scores, key=lambda id_: (-scores[id_], id_))
        chunks = self._load(ranked[: k * MERGED_CHUNKS], scope)
        groups = _capped(_merge_neighbours(chunks), k)
        passages = tuple(self._passage(rank, group, scores, cosines) for rank, group in enumerate(groups, start=1))
        mixed = np.average(vectors, axis=0, weights=shares).astype(np.float32)
        return Retrieved(passages, mixed, weights)

    def _load(self, chunk_ids: Sequence[int], scope: Scope) -> list[_Found]:
        """The chunks in the given order; the scope is checked once more in the database. Whole texts stay on disk."""
        with Session(self.engine) as session:
            rows = session.exec(
                select(Chunk, Document.collection_id, Document.path, Document.title)
                .join(Document)
                .where(col(Chunk.id).in_(chunk_ids), col(Document.collection_id).in_(scope.collections))
            ).all()
        found = {row[0].id: _Found(*row) for row in rows}
        return [found[id_] for id_ in chunk_ids if id_ in found]

    def _passage(self, rank: int, group: list[_Found], scores: dict[int, float], cosines: dict[int, float]) -> Passage:
        best = group[0]
        chunks = sorted((found.chunk for found in group), key=lambda chunk: chunk.ordinal)
        start, end = chunks[0].start, chunks[-1].end
        return Passage(
            rank=rank,
            score=max(scores[chunk.id or 0] for chunk in chunks),
            cosine=max(cosines[chunk.id or 0] for chunk in chunks),
            document_id=best.chunk.document_id,
            collection_id=best.collection_id,
            document=best.path,
            title=best.title,
            heading=best.chunk.heading,
            page=best.chunk.page,
            start=start,
            end=end,
            text=chunks[0].body if len(chunks) == 1 else self._stretch(best.chunk.document_id, start, end),
            prefix=chunks[0].prefix,
            sentences=tuple(sentence for chunk in chunks for sentence in _sentences(chunk)),
        )

    def _stretch(self, document_id: int, start: int, end: int) -> str:
        """`document.text[start:end]`, cut by SQLite, which counts code points as Python does."""
        stretch = func.substr(Document.text, start + 1, end - start)
        with Session(self.engine) as session:
            return session.exec(select(stretch).where(Document.id == document_id)).first() or ""


def open_retriever(settings: IndexerSettings, engine: Engine | None = None) -> Retriever:
    """Everything a search needs, loaded: seconds, because of torch. Raises StartError."""
    engine = engine or open_knowledge(settings)
    check_index(engine, settings)
    embedder = SentenceTransformerEmbedder(settings)
    embedder.load()
    store = Store(engine, settings.index_path)
    store.load()
    return Retriever(engine, embedder, store, settings)


def _fuse(candidates: Candidates) -> NDArray[np.float32]:
    """Convex combination of both scores, each brought to 0..1 (Bruch et al., arXiv:2210.11934): float32 (n,)."""
    if not len(candidates.chunk_ids):
        return candidates.cosine
    low, high = candidates.cosine.min(), candidates.cosine.max()
    dense = (candidates.cosine - low) / max(float(high - low), 1e-6)
    words = candidates.bm25 / max(float(candidates.bm25.max()), 1e-6)
    return np.asarray(DENSE_WEIGHT * dense + (1 - DENSE_WEIGHT) * words, np.float32)


def _merge_neighbours(found: list[_Found]) -> list[list[_Found]]:
    """Groups of chunks that follow each other on one page, ordered by their best chunk, which stands first."""
    groups: list[list[_Found]] = []
    for one in found:
        home = next((group for group in groups if len(group) < MERGED_CHUNKS and _continues(group, one.chunk)), None)
        if home is None:
            groups.append([one])
        else:
            home.append(one)
    return groups


def _continues(group: list[_Found], chunk: Chunk) -> bool:
    first = group[0].chunk
    same_page = first.document_id == chunk.document_id and first.page == chunk.page
    return same_page and any(abs(other.chunk.ordinal - chunk.ordinal) == 1 for other in group)


def _capped(groups: list[list[_Found]], k: int) -> list[list[_Found]]:
    """The first `k` groups, of which no document has more than half while others are left."""
    most = (k + 1) // 2
    taken: defaultdict[int, int] = defaultdict(int)
    first: list[list[_Found]] = []
    rest: list[list[_Found]] = []
    for group in groups:
        document_id = group[0].chunk.document_id
        taken[document_id] += 1
        (first if taken[document_id] <= most else rest).append(group)
    return [*first, *rest][:k]


def _sentences(chunk: Chunk) -> list[Sentence]:
    spans = np.frombuffer(chunk.sentences, np.int32).reshape(-1, 2)
    dimension = len(chunk.vector) // np.dtype(np.float32).itemsize
    vectors = np.frombuffer(chunk.sentence_vectors, np.float16).reshape(-1, dimension).astype(np.float32)
    return [
        Sentence(int(start), int(end), chunk.body[start - chunk.start : end - chunk.start], vector)
        for (start, end), vector in zip(spans, vectors, strict=True)
    ]
