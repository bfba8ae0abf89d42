"""`indexer enrich`: entries that a language model writes for each passage, so that a search finds it by other words.

passage -> ask the model -> filter -> entries, committed some at a time

Employees do not use the documents' own words. A small language model can write down the words that they would use, once
and at night, instead of at question time. Entries lead a search to their passage and are never shown. A run that was
ended goes on where it was: a passage that has an Enrichment is done.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from threading import Thread

import numpy as np
from sqlalchemy import Engine, exists
from sqlmodel import Session, col, select

from indexer.embed import Vectors
from indexer.enrich.filter import Proposed, proposed, worth_keeping
from indexer.enrich.writer import Draft, UnusableDraft, Writer
from indexer.errors import BusyError, DocentError
from indexer.knowledge.database import writing
from indexer.knowledge.generations import is_current
from indexer.knowledge.readable import readable_documents
from indexer.knowledge.tables import Change, Chunk, Document, Enrichment, Entry
from indexer.passages import Scope
from indexer.search.retrieve import Retriever
from indexer.settings import IndexerSettings

log = logging.getLogger(__name__)

COMMIT_SECONDS = 60.0
"""At most so much work is lost by a kill."""
ROUND_TRIP_DEPTH = 5
"""A question has to find its passage among the first five, which is what an answer is written from."""
PATIENCE = 5
"""After so many unusable answers one after the other the run ends: the server is not up to it."""
BUSY_POLL = 2.0  # seconds


@dataclass
class EnrichReport:
    """What a run did."""

    passages: int = 0
    entries: int = 0
    dropped: int = 0  # texts that did not pass the filter
    unusable: int = 0  # passages whose answer was no draft; the next run asks again
    left: int = 0  # passages without entries after the run
    reasons: dict[str, int] = field(default_factory=dict)  # of the unusable ones


@dataclass(frozen=True)
class EnrichProgress:
    done: int
    total: int
    entries: int
    waiting: bool = False  # for an ingest to end


@dataclass(frozen=True)
class _Passage:
    """A passage with what is being written about it."""

    chunk_id: int
    chunk: Chunk
    document: Document
    draft: Future[Draft]


@dataclass(frozen=True)
class _Finished:
    """A passage that was asked about, to be written down."""

    chunk_id: int
    document_id: int
    entries: list[tuple[Proposed, Vectors]]
    dropped: int


def enrich(
    settings: IndexerSettings,
    engine: Engine,
    retriever: Retriever,
    writer: Writer,
    scope: Scope,
    limit: int | None = None,
    at_once: int = 1,
    on_progress: Callable[[EnrichProgress], None] = lambda _: None,
) -> EnrichReport:
    """Write entries for the passages of the scope that have none, at most `limit` of them, `at_once` at a time.

    Raises DocentError when the server refuses, is gone, or answers PATIENCE times in a row with no draft; what was
    written until then is kept.
    """
    waiting = _without_entries(engine, scope)
    wanted = waiting if limit is None else waiting[:limit]
    report = EnrichReport(left=len(waiting))
    finished: list[_Finished] = []
    committed = time.monotonic()
    in_a_row = 0

    def commit() -> None:
        nonlocal committed
        _commit(settings, engine, finished, writer.model, lambda: on_progress(_progress(report, len(wanted), True)))
        finished.clear()
        committed = time.monotonic()

    try:
        for passage in _written_ahead(engine, writer, wanted, at_once):
            try:
                done = _finished(retriever, passage)
                in_a_row = 0
            except UnusableDraft as error:
                report.unusable += 1
                report.reasons[str(error)] = report.reasons.get(str(error), 0) + 1
                in_a_row += 1
                if in_a_row >= PATIENCE:
                    raise DocentError(
                        f"The model answered {PATIENCE} times in a row with nothing usable (last: {error}).",
                        "What is written is kept. Try a larger model, or another server with --endpoint.",
                    ) from error
            else:
                finished.append(done)
                report.passages += 1
                report.entries += len(done.entries)
                report.dropped += done.dropped
                report.left -= 1
            if time.monotonic() - committed > COMMIT_SECONDS:
                commit()
            on_progress(_progress(report, len(wanted)))
    finally:
        commit()
    return report


def _progress(report: EnrichReport, total: int, waiting: bool = False) -> EnrichProgress:
    return EnrichProgress(report.passages + report.unusable, total, report.entries, waiting)


def _without_entries(engine: Engine, scope: Scope) -> list[int]:
    """Ids of the passages that nobody has written about, document by document."""
    with Session(engine) as session:
        rows = session.exec(
            select(Chunk.id)
            .join(Document)
            .where(
                readable_documents(scope),
                is_current(),
                ~exists().where(col(Enrichment.chunk_id) == col(Chunk.id)),
            )
            .order_by(col(Chunk.document_id), col(Chunk.ordinal))
        )
        return [id_ for id_ in rows if id_ is not None]


def _written_ahead(engine: Engine, writer: Writer, wanted: Sequence[int], at_once: int) -> Iterator[_Passage]:
    """The passages that are still there, in order; `at_once` of them are written about at a time."""
    ahead: deque[_Passage] = deque()
    for chunk_id in wanted:
        with Session(engine) as session:
            row = session.exec(select(Chunk, Document).join(Document).where(Chunk.id == chunk_id)).first()
        if row is not None:
            chunk, document = row
            place = " › ".join(chunk.prefix.split("\n")) or document.title
            ahead.append(_Passage(chunk_id, chunk, document, _in_background(partial(writer.write, place, chunk.body))))
        if len(ahead) == at_once:
            yield ahead.popleft()
    yield from ahead


def _in_background(write: Callable[[], Draft]) -> Future[Draft]:
    """In a thread that nobody waits for at the end: who ends the run need not wait for the answers under way."""
    draft: Future[Draft] = Future()

    def work() -> None:
        try:
            draft.set_result(write())
        except BaseException as error:
            draft.set_exception(error)

    Thread(target=work, name="writing entries", daemon=True).start()
    return draft


def _finished(retriever: Retriever, passage: _Passage) -> _Finished:
    """Waits for the draft. Raises UnusableDraft, DocentError."""
    chunk = passage.chunk
    texts = proposed(passage.draft.result())
    scope = Scope(frozenset({passage.document.collection_id}))

    def finds_passage(question: str) -> bool:
        found = retriever.search(question, [], scope, ROUND_TRIP_DEPTH)
        return any(p.document_id == chunk.document_id and p.start < chunk.end and chunk.start < p.end for p in found)

    vector = np.frombuffer(chunk.vector, np.float32)
    kept = worth_keeping(texts, retriever.embedder.encode_queries, vector, finds_passage)
    return _Finished(passage.chunk_id, chunk.document_id, kept, len(texts) - len(kept))


def _commit(
    settings: IndexerSettings, engine: Engine, finished: Sequence[_Finished], model: str, on_wait: Callable[[], None]
) -> None:
    """One transaction: entries, which passages are done, and a note for the indexes. Waits while an ingest writes."""
    if not finished:
        return
    while True:
        try:
            with writing(settings), Session(engine) as session:
                _put(session, finished, model)
                session.commit()
            return
        except BusyError:
            on_wait()
            time.sleep(BUSY_POLL)


def _put(session: Session, finished: Sequence[_Finished], model: str) -> None:
    searched = select(Chunk.id).where(col(Chunk.id).in_([one.chunk_id for one in finished]), is_current())
    there = set(session.exec(searched))
    current = [one for one in finished if one.chunk_id in there]  # others were replaced by an ingest or a rebuild
    for one in current:
        session.merge(Enrichment(chunk_id=one.chunk_id, model=model, dropped=one.dropped))
        for text, vector in one.entries:
            session.add(
                Entry(chunk_id=one.chunk_id, kind=text.kind, text=text.text, vector=np.asarray(vector).tobytes())
            )
    for document_id in dict.fromkeys(one.document_id for one in current):
        session.add(Change(document_id=document_id, operation="put"))
