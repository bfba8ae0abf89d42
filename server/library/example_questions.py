"""Passages to questions that a language model writes for them (pure, but for the reading of the passages).

A small model asks what only a reader of the passage understands ("What is the purpose of this document?"), or says more
than it was asked for: what it writes is taken only where it is one question that stands alone and is about the passage.
"""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from indexer.knowledge.generations import is_current
from indexer.knowledge.readable import readable_documents
from indexer.knowledge.tables import Chunk, Document
from indexer.passages import Scope
from indexer.text.terms import content_terms
from server.library.example_headings import stands_alone
from server.llm.generator import Message, Sampling

LOOKED_AT = 3000  # chunks; enough to choose some from, quick to read
LEAST_SENTENCES = 3  # of a passage that answers something
CHARACTERS = 900  # of a passage that the model reads: some 200 tokens, three seconds of two cores
LONGEST = 18  # words of a question
SHARED = 2  # words that a question has of its passage: fewer, and it is about something else
SAMPLING = Sampling(max_tokens=40, stop=("\n",))
SYSTEM = "You write questions that employees ask about their company's documents."
INSTRUCTIONS = (
    "Write one short question that this text answers, as an employee would ask it who has not read the text. "
    "Write only the question."
)

_SPEAKS_TO_READERS = re.compile(r"\b(?:you|your|must|may|can|should|need|up to|at least|within)\b|\d", re.IGNORECASE)
_ABOUT_THE_TEXT = re.compile(
    r"\b(?:texts?|passages?|documents?|articles?|sections?|paragraphs?|authors?|according|mentioned|described|provided)\b",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"^(?:[\s\"'“”*_>#-]|\d+[.)]|(?:employee|question|q)\s*\d*\s*:)+", re.IGNORECASE)


@dataclass(frozen=True)
class Asked:
    """A passage that a question is written for."""

    chunk_id: int
    document_id: int
    start: int
    end: int
    title: str
    heading: str
    text: str


def passages_to_ask_about(engine: Engine, scope: Scope, without: Collection[int], count: int) -> list[Asked]:
    """The passages of at most `count` documents, one each, none of the documents `without`: those that tell their
    readers most of what they may and must do. Blocks."""
    best: dict[int, tuple[int, int]] = {}  # document -> (how telling, chunk)
    with Session(engine) as session:
        rows = session.exec(
            select(Chunk.id, Chunk.document_id, Chunk.body, Chunk.sentences)
            .join(Document)
            .where(readable_documents(scope), is_current())
            .limit(LOOKED_AT)
        )
        for id_, document, body, sentences in rows:
            if id_ is None or document in without or len(np.frombuffer(sentences, np.int32)) // 2 < LEAST_SENTENCES:
                continue
            telling = len(_SPEAKS_TO_READERS.findall(body[:CHARACTERS]))
            if telling and telling > best.get(document, (0, 0))[0]:
                best[document] = (telling, id_)
        ranked = sorted(best.items(), key=lambda one: (-one[1][0], one[0]))[:count]
        chosen = [session.get_one(Chunk, chunk) for _, (_, chunk) in ranked]
        documents = select(Document.id, Document.title).where(col(Document.id).in_([id_ for id_, _ in ranked]))
        titles = {id_: title for id_, title in session.exec(documents) if id_ is not None}
        return [_asked(chunk, titles.get(chunk.document_id, "")) for chunk in chosen]


def _asked(chunk: Chunk, title: str) -> Asked:
    headings = [heading for _, heading in json.loads(chunk.sections)]
    heading = headings[0] if headings else ""
    return Asked(chunk.id or 0, chunk.document_id, chunk.start, chunk.end, title, heading, chunk.body[:CHARACTERS])


def messages(passage: Asked) -> list[Message]:
    place = " › ".join(dict.fromkeys(part for part in (passage.title, passage.heading) if part))
    return [Message("system", SYSTEM), Message("user", f"{place}\n\n{passage.text}\n\n{INSTRUCTIONS}")]


def question_in(written: str, passage: Asked, others: Sequence[str] = ()) -> str:
    """The question that a model wrote for a passage; empty where it is none to show."""
    asked, mark, _ = _BEFORE.sub("", " ".join(written.split())).partition("?")
    question = asked[:1].upper() + asked[1:] + mark
    terms = set(content_terms(question))
    about = set(content_terms(f"{passage.title} {passage.heading} {passage.text}"))
    usable = (
        mark
        and len(question.split()) <= LONGEST
        and stands_alone(question)
        and not _ABOUT_THE_TEXT.search(question)
        and len(terms & about) >= SHARED
        and not any(2 * len(terms & set(content_terms(other))) > len(terms) for other in others)
    )
    return question if usable else ""
