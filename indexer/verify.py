"""Is everything derived still true to the documents? Reads all of knowledge.db; changes nothing."""

from collections.abc import Iterator

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from indexer.models import Chunk, Document
from indexer.settings import IndexerSettings
from indexer.store import Store

UNIT_TOLERANCE = 1e-3


def verify_index(settings: IndexerSettings, engine: Engine) -> list[str]:
    """A sentence for each thing that is wrong; empty when all is well."""
    problems: list[str] = []
    chunks = 0
    with Session(engine) as session:
        for id_ in session.exec(select(Document.id).order_by(col(Document.id))).all():
            document = session.get_one(Document, id_)
            own = session.exec(select(Chunk).where(Chunk.document_id == id_).order_by(col(Chunk.ordinal))).all()
            problems += [f"{document.path}: {problem}" for chunk in own for problem in _chunk_problems(document, chunk)]
            chunks += len(own)
            session.expunge_all()
    store = Store(engine, settings.index_path)
    store.load()
    if len(store) != chunks:
        problems.append(f"The search index holds {len(store)} passages, but the database {chunks}.")
    return problems


def _chunk_problems(document: Document, chunk: Chunk) -> Iterator[str]:
    where = f"passage {chunk.ordinal} at {chunk.start}"
    if document.text[chunk.start : chunk.end] != chunk.body:
        yield f"{where} is not the words of the document there"
    vector = np.frombuffer(chunk.vector, np.float32)
    if abs(float(np.linalg.norm(vector)) - 1) > UNIT_TOLERANCE:
        yield f"{where} has a vector that is not of unit length"
    spans = np.frombuffer(chunk.sentences, np.int32).reshape(-1, 2)
    if len(chunk.sentence_vectors) != len(spans) * len(vector) * np.dtype(np.float16).itemsize:
        yield f"{where} has not one vector for each of its sentences"
    if len(spans) and (spans.min() < chunk.start or spans.max() > chunk.end):
        yield f"{where} names sentences outside itself"
