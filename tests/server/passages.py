"""Passages for tests, cut into sentences as the indexer cuts them, with the word embedder's vectors."""

import re
from collections.abc import Sequence

import numpy as np

from indexer.passages import Passage, Retrieved, Sentence
from indexer.text.sentences import sentence_spans
from indexer.text.terms import query_terms
from server.answering.events import Evidence
from tests.word_embedder import word_vector


def passage(
    text: str, *, title: str = "Handbook", heading: str = "", start: int = 0, document_id: int = 1, lines: bool = False
) -> Passage:
    """The stretch `[start, start + len(text))` of a document; `lines`: a sentence never goes on over the end of one."""
    stretches = [match.span() for match in re.finditer(r"[^\n]+" if lines else r"(?s).+", text)]
    sentences = tuple(
        Sentence(start + a, start + b, text[a:b], word_vector(text[a:b]), heading)
        for stretch in stretches
        for a, b in sentence_spans(text, *stretch)
    )
    prefix = " › ".join(part for part in (title, heading) if part)
    return Passage(
        rank=1,
        score=1.0,
        cosine=1.0,
        document_id=document_id,
        collection_id=1,
        document=f"{title.lower()}.md",
        title=title,
        heading=heading,
        page=None,
        start=start,
        end=start + len(text),
        text=text,
        prefix=prefix,
        sentences=sentences,
    )


def numbered(*texts: str) -> tuple[Evidence, ...]:
    """Each text as evidence from a document of its own, numbered from 1."""
    return tuple(Evidence(n, passage(text, start=10 * n, document_id=n), text) for n, text in enumerate(texts, start=1))


def retrieved(question: str, passages: Sequence[Passage]) -> Retrieved:
    """What a search that found these passages in this order returns."""
    vector = np.asarray(word_vector(question), np.float32)
    return Retrieved(tuple(passages), vector, dict.fromkeys(query_terms(question), 1.0), question=question)
