"""Is everything derived still true to the documents? Reads all of knowledge.db; changes nothing."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np
from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from indexer.documents.extract.document import blocks_from_json
from indexer.knowledge.database import reading
from indexer.knowledge.tables import Chunk, Document, Entry, IndexInfo
from indexer.search.store import Store
from indexer.settings import IndexerSettings

UNIT_TOLERANCE = 1e-3


def verify_index(settings: IndexerSettings, engine: Engine) -> list[str]:
    """A sentence for each thing that is wrong; empty when all is well."""
    problems: list[str] = []
    with reading(engine) as session:
        info = session.get(IndexInfo, "dimension")
        dimension = int(info.value) if info else 0
        for id_ in session.exec(select(Document.id).order_by(col(Document.id))).all():
            document = session.get_one(Document, id_)
            own = session.exec(select(Chunk).where(Chunk.document_id == id_).order_by(col(Chunk.ordinal))).all()
            found = [problem for chunk in own for problem in _chunk_problems(document, chunk, dimension)]
            problems += [f"{document.path}: {problem}" for problem in [*found, *_document_problems(document, own)]]
            session.expunge_all()
        orphans = select(func.count()).where(col(Chunk.document_id).not_in(select(Document.id)))
        length = dimension * np.dtype(np.float32).itemsize
        odd = select(func.count()).select_from(Entry).where(func.length(Entry.vector) != length)
        if count := session.exec(odd).one():
            problems.append(f"{count} entries have a vector of another length than the index.")
        if count := session.exec(orphans).one():
            problems.append(f"{count} passages belong to no document.")
    return problems or _index_problems(settings, engine)


def _index_problems(settings: IndexerSettings, engine: Engine) -> list[str]:
    store = Store(engine, settings.index_path)
    store.load()
    with Session(engine) as session:
        chunks = set(session.exec(select(Chunk.id).join(Document).where(col(Document.deleted_at).is_(None))))
    if store.chunk_ids() != chunks:
        return [f"The search index holds {len(store)} passages that are not the {len(chunks)} of the database."]
    return []


def _document_problems(document: Document, chunks: Sequence[Chunk]) -> Iterator[str]:
    if [chunk.ordinal for chunk in chunks] != list(range(len(chunks))):
        yield "its passages are not numbered one after the other"
    at = 0
    for chunk in chunks:
        if chunk.start < at:
            yield f"passage {chunk.ordinal} begins before the one before it ends"
        at = chunk.end
    ends = [chunk.end for chunk in chunks]
    for block in blocks_from_json(document.blocks):
        at = bisect_right(ends, block.start)
        if block.kind != "heading" and (at == len(chunks) or chunks[at].start >= block.end):
            yield f"its words at {block.start} are in no passage"
            return


def _chunk_problems(document: Document, chunk: Chunk, dimension: int) -> Iterator[str]:
    where = f"passage {chunk.ordinal} at {chunk.start}"
    if document.text[chunk.start : chunk.end] != chunk.body:
        yield f"{where} is not the words of the document there"
    if len(chunk.vector) != dimension * np.dtype(np.float32).itemsize:
        yield f"{where} has a vector of another length than the index"
    elif not abs(float(np.linalg.norm(np.frombuffer(chunk.vector, np.float32))) - 1) <= UNIT_TOLERANCE:
        yield f"{where} has a vector that is not of unit length"
    count, odd = divmod(len(chunk.sentences), 2 * np.dtype(np.int32).itemsize)
    if odd or len(chunk.sentence_vectors) != count * dimension * np.dtype(np.float16).itemsize:
        yield f"{where} has not one vector for each of its sentences"
        return
    spans = np.frombuffer(chunk.sentences, np.int32)  # start, end, start, end and so on
    if len(spans) and (spans[0] < chunk.start or spans[-1] > chunk.end or (np.diff(spans) < 0).any()):
        yield f"{where} names sentences outside itself or out of order"
