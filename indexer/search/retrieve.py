"""A question and its history to ranked passages: the one search that the server, the commands and `evaluate` share.

question -> vectors and terms -> candidates (FAISS, BM25) -> fused scores -> chunks -> passages
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session

from indexer.embed import QUERY_THREADS, Embedder, SentenceTransformerEmbedder, Vectors
from indexer.knowledge.database import open_knowledge, reading
from indexer.knowledge.index_info import check_searchable
from indexer.knowledge.tables import Chunk
from indexer.passages import Passage, Retrieved, Scope
from indexer.search.copies import Asked, Distinct
from indexer.search.found import FoundChunk, load_chunks, to_passage, widen
from indexer.search.fuse import (
    OLDER_TURNS,
    RERANKED,
    SAME_DOCUMENT,
    Scores,
    first_look,
    fuse,
    sentence_scores,
    turn_shares,
)
from indexer.search.keywords import most_bm25
from indexer.search.overlap import QuestionWords
from indexer.search.places import other_places
from indexer.search.rerank import Reranker, open_reranker
from indexer.search.store import Store
from indexer.search.view import CANDIDATES, Candidates, View
from indexer.settings import IndexerSettings
from indexer.text.terms import query_terms

QUERY_CHARACTERS = 4_000
"""A longer question is cut: the embedder reads no more than its first few hundred words anyway."""

EARLIER_CHARACTERS = 800
"""What of earlier messages is joined to the question, the newest kept: more would push it out of what the embedder
reads. The longest five of the multi-turn questions have 720 with the question."""

MERGED_CHUNKS = 3
"""Most neighbouring chunks in one passage."""

DEEPER_CANDIDATES = 8 * CANDIDATES
"""Where so many of the first ones say the same that fewer than RERANKED are left."""
MOST_READ = 512
"""Chunks that a question reads at most to find RERANKED that differ."""

Family = Callable[[int], int]
"""A document to the one that stands for all its versions."""


@dataclass(frozen=True)
class _Asked:
    """One text that is searched for; `share` is what its scores count for in its reading of the question."""

    reading: int  # 0: misspelt words mended; 1: as it was written, where that is something else
    share: float
    text: str
    vector: Vectors  # (dim,), unit length
    terms: list[str]
    idf: dict[str, float]  # of the terms, inside the scope

    @cached_property
    def words(self) -> QuestionWords:
        return QuestionWords(self.text, self.idf)

    def of_most(self, bm25: Scores) -> Scores:
        """BM25 as a share of the most there could be: float32 (n,), 0 to 1."""
        most = max(most_bm25(self.idf.values()), 1e-6)
        return np.asarray(np.minimum(bm25 / most, 1), np.float32)  # an entry's is by statistics of its own


class Retriever:
    """Thread-safe search over one data folder."""

    def __init__(
        self,
        engine: Engine,
        embedder: Embedder,
        store: Store,
        settings: IndexerSettings,
        reranker: Reranker | None = None,
    ) -> None:
        self._reranker = reranker
        self.engine = engine
        self.embedder = embedder
        self.store = store
        self._settings = settings

    def follow(self) -> int:
        """Take up what was committed since. Raises IndexMismatchError when the index was rebuilt with another model,
        of which the store takes up nothing either."""
        with reading(self.engine) as session:
            check_searchable(session, self._settings)
        return self.store.follow()

    def search(
        self, question: str, history: Sequence[str], scope: Scope, k: int = 8, *, exact: bool = False
    ) -> list[Passage]:
        """At most `k` passages, best first. `history`: the user's earlier messages, oldest first."""
        return list(self.retrieve(question, history, scope, k, exact=exact).passages)

    def retrieve(
        self, question: str, history: Sequence[str], scope: Scope, k: int = 8, *, exact: bool = False
    ) -> Retrieved:
        """At most `k` passages (from 1), best first, none where nothing is readable, and how they were searched for.

        `history` are the user's earlier messages, oldest first; the last `OLDER_TURNS` count. Everything is of texts,
        words and statistics inside `scope` alone. Texts of any length and form are taken: what is too long is cut.
        Where a word looks misspelt, the question is searched for mended and as it was written, and each chunk has the
        better of both scores; with `exact` no word is mended.

        Any number of threads may call it at once. All its numbers are of the index at one moment; a chunk that was
        replaced since is left out, when the chosen ones are read from the database. Raises SQLAlchemy's DatabaseError
        where that cannot be read.
        """
        view = self.store.view(scope)
        asked = self._asked(question, history, view, exact=exact)
        meant = [one for one in asked if one.reading == 0]
        vector = np.asarray(
            np.average([one.vector for one in meant], axis=0, weights=[one.share for one in meant]), np.float32
        )
        with reading(self.engine) as session:  # chunks and their document's text of one version
            candidates, distinct = _looked_at(session, asked, view)
            scored = set(candidates.chunk_ids.tolist())  # a deeper look may rank equal ones otherwise
            found = [one for one in distinct.found if one.id in scored]
            scores, cosines = _rescore(asked, candidates, found)
            ranked = sorted(found, key=lambda one: (-scores[one.id], one.id))
            merged = _merge_neighbours(_considered(ranked, k))
            groups = _capped(_spread(merged, scores, distinct.family), k, distinct.family)
            if self._reranker is not None:
                texts = [f"{best.chunk.prefix}\n{best.chunk.body}" for best, *_ in groups]
                groups = [groups[place] for place in self._reranker.order(meant[min(1, len(meant) - 1)].text, texts)]
            places = other_places(session, view, [one for group in groups for one in group], distinct.copies)
            passages = tuple(
                to_passage(session, rank, group, scores, cosines, vector, places)
                for rank, group in enumerate(groups, start=1)
            )
            wide = widen(session, groups, passages, places, lambda beside: other_places(session, view, beside, {}))
        weights: defaultdict[str, float] = defaultdict(float)
        for one in meant:
            for term, idf in one.idf.items():
                weights[term] += one.share * idf
        searched = meant[0].text if meant[0].text != question else ""
        together_with = "; ".join(reversed(history[-OLDER_TURNS:]))[:EARLIER_CHARACTERS] if len(meant) > 1 else ""
        return Retrieved(passages, vector, dict(weights), searched, together_with, meant[0].text, wide)

    def _asked(self, question: str, history: Sequence[str], view: View, *, exact: bool) -> list[_Asked]:
        """The last turn alone, joined to the one before it, and to all of the last ones; slips of the pen mended, and
        then all of it once more with the last turn as it was written, where it had any."""
        mend = _searchable if exact else lambda turn: view.corrected(_searchable(turn))
        turns = [mend(turn) for turn in history[-OLDER_TURNS:]]
        shares = turn_shares(len(turns))
        earlier = ["", *(" ".join(turns[-count:])[-EARLIER_CHARACTERS:] for count in (1, OLDER_TURNS))][: len(shares)]
        readings = dict.fromkeys((mend(question), _searchable(question)))
        parts = [
            (number, share, before, last)
            for number, last in enumerate(readings)
            for share, before in zip(shares, earlier, strict=True)
        ]
        texts = [f"{before} {last}" if before else last for _, _, before, last in parts]
        vectors = self.embedder.encode_queries(texts)
        asked = []
        for (number, share, before, last), text, vector in zip(parts, texts, vectors, strict=True):
            terms = query_terms(f"{last} {before}")  # its own terms first: there is a limit
            asked.append(_Asked(number, share, text, vector, terms, view.idf(terms)))
        return asked


def open_retriever(settings: IndexerSettings, engine: Engine | None = None) -> Retriever:
    """Everything a search needs, loaded: seconds, because of torch. Raises StartError."""
    engine = engine or open_knowledge(settings)
    with reading(engine) as session:
        check_searchable(session, settings)
    embedder = SentenceTransformerEmbedder(settings, threads=QUERY_THREADS)
    embedder.load()
    store = Store(engine, settings.index_path, partial(check_searchable, settings=settings))
    store.load()
    return Retriever(engine, embedder, store, settings, open_reranker(settings))


def _looked_at(session: Session, asked: list[_Asked], view: View) -> tuple[Candidates, Distinct]:
    """The candidates, and of them the chunks worth a closer look: best by both scores, before any sentence was read.

    Where one says the same as another, the next one is looked at instead: copies take no place from what differs.
    """
    vectors, terms = np.stack([one.vector for one in asked]), [one.terms for one in asked]
    distinct, read = Distinct(Asked.of(one.text for one in asked)), set[int]()
    for count in (CANDIDATES, DEEPER_CANDIDATES):
        candidates = view.search(vectors, terms, count)
        ranked = _first_ranked(asked, candidates)
        while len(read) < MOST_READ:
            kept = {one.id for one in distinct.found}
            left = [one for one in ranked if one[0] in kept or one[0] not in read]
            fresh = [id_ for id_ in _shared(left, RERANKED, RERANKED // 2) if id_ not in read]
            if not fresh:
                break
            read.update(fresh)
            distinct.add(load_chunks(session, fresh, view.scope))
            if not distinct.has_copies:
                return candidates, distinct
        if len(distinct.found) >= RERANKED or len(ranked) < count or len(read) >= MOST_READ:
            break
    return candidates, distinct


def _first_ranked(asked: list[_Asked], found: Candidates) -> list[tuple[int, int]]:
    """(chunk, document) of all candidates, best first."""
    scores = _scores(asked, len(found.chunk_ids))
    for one, cosine, bm25, entry in zip(asked, found.cosine, found.bm25, found.entry_cosine, strict=True):
        scores[one.reading] += one.share * first_look(np.maximum(cosine, entry), one.of_most(bm25))
    ranked = np.lexsort((found.chunk_ids, -scores.max(axis=0)))
    return list(zip(found.chunk_ids[ranked].tolist(), found.document_ids[ranked].tolist(), strict=True))


def _rescore(
    asked: list[_Asked], candidates: Candidates, found: list[FoundChunk]
) -> tuple[dict[int, float], dict[int, float]]:
    """(score, cosine) of each chunk by its id, its best sentence taken into account."""
    scores = _scores(asked, len(found))
    place = {id_: row for row, id_ in enumerate(candidates.chunk_ids.tolist())}
    rows = np.array([place[chunk.id] for chunk in found], np.int64)
    for number, one in enumerate(asked):
        words, entry = one.of_most(candidates.bm25[number, rows]), candidates.entry_cosine[number, rows]
        best = np.array([chunk.best_sentence(one.words, one.vector) for chunk in found], np.float32)
        by_entry = np.where(entry > 0, sentence_scores(entry, words), 0)
        scores[one.reading] += one.share * fuse(np.maximum(best, by_entry), words)
    ids = [chunk.id for chunk in found]
    cosines = np.maximum(candidates.cosine[:, rows].max(axis=0), 0)
    return dict(zip(ids, scores.max(axis=0).tolist(), strict=True)), dict(zip(ids, cosines.tolist(), strict=True))


def _scores(asked: list[_Asked], chunks: int) -> Scores:
    """Zeros, float32 (readings, chunks)."""
    return np.zeros((1 + max(one.reading for one in asked), chunks), np.float32)


def _considered(ranked: list[FoundChunk], k: int) -> list[FoundChunk]:
    """The chunks that passages are made of, best first."""
    documents = [(one.id, one.chunk.document_id) for one in ranked]
    chosen = set(_shared(documents, k * MERGED_CHUNKS, _most(k) * MERGED_CHUNKS))
    return [one for one in ranked if one.id in chosen]


def _shared(ranked: Sequence[tuple[int, int]], wanted: int, most: int) -> list[int]:
    """The first `wanted` of (chunk, document) in their order, of one document no more than `most` where others are."""
    taken: Counter[int] = Counter()
    within: list[int] = []
    beyond: list[int] = []
    for chunk, document in ranked:
        taken[document] += 1
        (within if taken[document] <= most else beyond).append(chunk)
    return [*within, *beyond][:wanted]


def _most(k: int) -> int:
    """Passages of `k` that one document may have: half, and four of the first five whatever `k` is."""
    return min((k + 1) // 2, 4)


def _searchable(text: str) -> str:
    """Cut, and without the halves of surrogate pairs that a command line or JSON may bring and no tokenizer takes."""
    return text[:QUERY_CHARACTERS].encode("utf-8", "replace").decode()


def _merge_neighbours(found: list[FoundChunk]) -> list[list[FoundChunk]]:
    """Groups of chunks that follow each other on one page, ordered by their best chunk, which stands first."""
    groups: list[list[FoundChunk]] = []
    for one in found:
        beside = [group for group in groups if len(group) < MERGED_CHUNKS and _continues(group, one.chunk)]
        if not beside:
            groups.append([one])
            continue
        home = beside[0]
        home.append(one)
        for other in beside[1:]:  # it stands between two groups
            if len(home) + len(other) <= MERGED_CHUNKS:
                home.extend(other)
                groups = [group for group in groups if group is not other]
    return groups


def _continues(group: list[FoundChunk], chunk: Chunk) -> bool:
    first = group[0].chunk
    same_page = first.document_id == chunk.document_id and first.page == chunk.page
    return same_page and any(abs(other.chunk.ordinal - chunk.ordinal) == 1 for other in group)


def _spread(groups: list[list[FoundChunk]], scores: dict[int, float], family: Family) -> list[list[FoundChunk]]:
    """The same groups, those of a document that an earlier one has shown already, in any version, a little later."""
    shown: set[int] = set()
    ranked: list[tuple[float, int]] = []
    for place, (best, *_) in enumerate(groups):
        document = family(best.chunk.document_id)
        repeated = document in shown
        shown.add(document)
        ranked.append((repeated * SAME_DOCUMENT - scores[best.id], place))
    return [groups[place] for _, place in sorted(ranked)]


def _capped(groups: list[list[FoundChunk]], k: int, family: Family) -> list[list[FoundChunk]]:
    """The first `k` groups. No document, all its versions together, has more than its share while others are left."""
    most = _most(k)
    taken: Counter[int] = Counter()
    first: list[list[FoundChunk]] = []
    rest: list[list[FoundChunk]] = []
    for group in groups:
        document_id = family(group[0].chunk.document_id)
        taken[document_id] += 1
        (first if taken[document_id] <= most else rest).append(group)
    return [*first, *rest][:k]
