"""A data folder as large as wanted: invented words, random vectors, rows written straight into both databases.

Every sentence has `WIDTH` characters and every paragraph `SENTENCES` of them, so each place in each text is known.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, insert
from sqlmodel import Session, SQLModel

from indexer.documents.extract.document import Block, blocks_to_json
from indexer.knowledge.calibration import SHIPPED, keep_off_topic
from indexer.knowledge.index_info import describe_index
from indexer.knowledge.tables import Change, Chunk, Collection, Document, LedgerEntry, now
from indexer.passages import Passage, Sentence
from indexer.settings import IndexerSettings
from server.answering.events import Evidence
from server.conversations.evidence_json import evidence_to_json
from server.conversations.tables import Conversation, StoredCitation, Turn

WIDTH = 100  # characters of a sentence, the space behind it included
SENTENCES = 10  # of a paragraph
PARAGRAPH = WIDTH * SENTENCES  # characters
CHUNK_SENTENCES = 3
DIMENSION = 384  # that of the built-in embedder
SHOWN = 4  # passages before the model
AT_ONCE = 200  # documents or conversations a transaction
FAILED = 200  # one file in so many could not be read
COLLECTIONS = ("handbook", "projects", "archive")
SEED = 1


@dataclass(frozen=True)
class Library:
    """How many documents there are, how long each is, and of how many of its paragraphs the beginnings are chunks."""

    documents: int = 10_000
    characters: int = 100_000
    chunks: int = 10

    @cached_property
    def filler(self) -> str:
        """Paragraphs that all texts are cut from: those of one text, and a thousand more."""
        draw = random.Random(SEED)
        words = invented_words(draw, 5_000)
        return "".join(sentence(draw, words) for _ in range(self.paragraphs * SENTENCES + 1000 * SENTENCES))

    @property
    def paragraphs(self) -> int:
        return max(1, self.characters // PARAGRAPH)

    def text(self, number: int) -> str:
        begin = number * 7 % 1000 * PARAGRAPH
        return self.filler[begin : begin + self.paragraphs * PARAGRAPH]

    def starts(self) -> list[int]:
        """Where the chunks of each document begin."""
        return [at * self.paragraphs // self.chunks * PARAGRAPH for at in range(self.chunks)]


def invented_words(draw: random.Random, count: int) -> list[str]:
    syllables = [a + b + c for a in "bdfgklmnprstvz" for b in "aeiou" for c in ("", "l", "n", "r", "s")]
    return ["".join(draw.choices(syllables, k=draw.choice((1, 2, 2, 3, 3)))) for _ in range(count)]


def sentence(draw: random.Random, words: list[str]) -> str:
    text = " ".join(draw.choices(words, k=WIDTH // 3)).capitalize()
    return text[: WIDTH - 2] + ". "


# knowledge.db


def write_library(engine: Engine, settings: IndexerSettings, library: Library) -> None:
    """Documents with ids from 1, their chunks, ledger and changes, into an empty database.

    It counts as calibrated: what random vectors say of questions means nothing, and a server would find it out.
    """
    noise = np.random.default_rng(SEED)
    with Session(engine) as session:
        session.add_all(Collection(id=id_, name=name) for id_, name in enumerate(COLLECTIONS, 1))
        describe_index(session, settings, DIMENSION)
        session.commit()
        for numbers in in_parts(library.documents):
            session.execute(insert(Document), [document_row(library, number) for number in numbers])
            session.execute(insert(Chunk), [row for number in numbers for row in chunk_rows(library, number, noise)])
            session.execute(insert(LedgerEntry), [ledger_row(library, number) for number in numbers])
            session.execute(insert(Change), [{"document_id": number + 1, "operation": "put"} for number in numbers])
            session.commit()
    keep_off_topic(engine, *SHIPPED, library.documents)


def document_row(library: Library, number: int) -> dict[str, Any]:
    ends = range(PARAGRAPH, library.paragraphs * PARAGRAPH + 1, PARAGRAPH)
    return row_of(
        Document(
            id=number + 1,
            collection_id=collection_of(number),
            root="/large",
            path=path_of(number),
            title=f"Document {number}",
            media_type="txt",
            sha256="",
            text=library.text(number),
            blocks=blocks_to_json(tuple(Block("paragraph", end - PARAGRAPH, end - 1) for end in ends)),
            indexed_at=now() - timedelta(minutes=number),
        )
    )


def chunk_rows(library: Library, number: int, noise: np.random.Generator) -> Iterator[dict[str, Any]]:
    text = library.text(number)
    for ordinal, start in enumerate(library.starts()):
        spans = chunk_sentences(start)
        yield row_of(
            Chunk(
                document_id=number + 1,
                ordinal=ordinal,
                prefix=f"Document {number}",
                sections=json.dumps([[start, ""]]),
                start=start,
                end=spans[-1][1],
                body=text[start : spans[-1][1]],
                vector=unit_vectors(noise, 1).tobytes(),
                sentences=np.array(spans, np.int32).tobytes(),
                sentence_vectors=unit_vectors(noise, len(spans)).astype(np.float16).tobytes(),
            )
        )


def ledger_row(library: Library, number: int) -> dict[str, Any]:
    unread = number % FAILED == FAILED - 1
    return row_of(
        LedgerEntry(
            collection_id=collection_of(number),
            root="/large",
            path=f"unread {number}.pdf" if unread else path_of(number),
            state="failed" if unread else "indexed",
            reason="The file is damaged." if unread else "",
            size=library.characters,
            chunks=0 if unread else library.chunks,
        )
    )


def chunk_sentences(start: int) -> list[tuple[int, int]]:
    """Code points [start, end) of the sentences of the chunk that begins there."""
    return [(start + at * WIDTH, start + (at + 1) * WIDTH - 1) for at in range(CHUNK_SENTENCES)]


def unit_vectors(noise: np.random.Generator, count: int) -> NDArray[np.float32]:
    """float32 (count, DIMENSION), unit rows."""
    vectors = noise.standard_normal((count, DIMENSION), dtype=np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def path_of(number: int) -> str:
    return f"shelf {number % 100}/document {number}.txt"


def collection_of(number: int) -> int:
    return number % len(COLLECTIONS) + 1


# chat.db


def write_conversations(
    engine: Engine, library: Library, turns: int, owners: int, length: int = 20
) -> dict[str, list[str]]:
    """That many turns, `length` in each conversation; each owner's conversations, newest first."""
    conversations: dict[str, list[str]] = {f"{number:032x}": [] for number in range(1, owners + 1)}
    with Session(engine) as session:
        for numbers in in_parts(turns // length):
            for number in numbers:
                conversations[f"{number % owners + 1:032x}"].append(f"{number + 1:032x}")
            session.execute(insert(Conversation), [conversation_row(library, number, owners) for number in numbers])
            told = [at for number in numbers for at in range(number * length, (number + 1) * length)]
            session.execute(insert(Turn), [turn_row(library, at, length) for at in told])
            session.execute(insert(StoredCitation), [row for at in told for row in citation_rows(library, at)])
            session.commit()
    return conversations


def conversation_row(library: Library, number: int, owners: int) -> dict[str, Any]:
    then = now() - timedelta(hours=number)
    return row_of(
        Conversation(
            id=f"{number + 1:032x}",
            owner=f"{number % owners + 1:032x}",
            title=question_about(library, number),
            created_at=then,
            updated_at=then,
        )
    )


def turn_row(library: Library, number: int, length: int) -> dict[str, Any]:
    answer = "".join(f"{quote} [{n}] " for n, quote in enumerate(quotes_of(library, number), 1)).strip()
    return row_of(
        Turn(
            id=number + 1,
            conversation_id=f"{number // length + 1:032x}",
            parent_id=number if number % length else None,
            question=question_about(library, number),
            state="done",
            mode="model",
            answer=answer,
            raw=answer,
            evidence=evidence_to_json([shown(library, number + at, at + 1) for at in range(SHOWN)]),
            total_ms=2_000,
            created_at=now() - timedelta(hours=number // length),
        )
    )


def citation_rows(library: Library, number: int) -> Iterator[dict[str, Any]]:
    at = 0
    for position, quote in enumerate(quotes_of(library, number)):
        cited = (number + position) % library.documents
        at += len(quote) + 1
        yield row_of(
            StoredCitation(
                turn_id=number + 1,
                position=position,
                n=position + 1,
                at=at,
                document_id=cited + 1,
                collection_id=collection_of(cited),
                document=path_of(cited),
                title=f"Document {cited}",
                heading="",
                start=0,
                end=WIDTH - 1,
                quote=quote,
            )
        )
        at += len(f"[{position + 1}] ")


def question_about(library: Library, number: int) -> str:
    """The last words of a paragraph, a different one for each of a thousand numbers."""
    return f"What about {library.text(number)[PARAGRAPH - 40 : PARAGRAPH - 2]}?"


def quotes_of(library: Library, number: int) -> list[str]:
    """The first sentences of two documents."""
    return [library.text((number + at) % library.documents)[: WIDTH - 1] for at in range(2)]


def shown(library: Library, number: int, n: int) -> Evidence:
    """The first chunk of a document, as it was put before the model."""
    document = number % library.documents
    spans = chunk_sentences(0)
    text = library.text(document)[: spans[-1][1]]
    none = np.zeros(0, np.float32)
    passage = Passage(
        rank=n,
        score=0.5,
        cosine=0.5,
        document_id=document + 1,
        collection_id=collection_of(document),
        document=path_of(document),
        title=f"Document {document}",
        heading="",
        page=None,
        start=0,
        end=len(text),
        text=text,
        prefix="",
        sentences=tuple(Sentence(start, end, text[start:end], none) for start, end in spans),
    )
    return Evidence(n, passage, text)


def in_parts(count: int) -> Iterator[range]:
    """0 to `count`, in ranges that make a transaction each."""
    for begin in range(0, count, AT_ONCE):
        yield range(begin, min(begin + AT_ONCE, count))


def row_of(row: SQLModel) -> dict[str, Any]:
    """A row's columns for a bulk insert; an id that was not chosen is the database's to choose."""
    return {name: value for name, value in row.model_dump().items() if name != "id" or value is not None}
