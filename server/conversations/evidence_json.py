"""Evidence and passages as JSON for chat.db, and back (pure).

A passage keeps its sentences' places and words but not their vectors, which would make a turn fifty times larger; a
sentence that comes back has a vector of length 0. What was written before roots were has none: it is in no folder. Nor
has it a number of its own in the answer: it is shown under the conversation's.
"""

import json
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import numpy as np

from indexer.passages import Passage, Place, Sentence
from server.answering.events import Evidence

_NO_VECTOR = np.zeros(0, dtype=np.float32)
_FIELDS = (
    "rank",
    "score",
    "cosine",
    "document_id",
    "collection_id",
    "document",
    "title",
    "heading",
    "page",
    "start",
    "end",
    "text",
    "prefix",
)


def evidence_to_json(evidence: Sequence[Evidence]) -> str:
    return _dump(
        [{"n": e.n, "shown": e.shown, "text": e.text, "passage": _record(e.passage)} for e in evidence],
    )


def evidence_from_json(text: str) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(item["n"], _passage(item["passage"]), item["text"], item.get("shown", 0)) for item in json.loads(text)
    )


def passages_to_json(passages: Sequence[Passage]) -> str:
    return _dump([_record(passage) for passage in passages])


def passages_from_json(text: str) -> tuple[Passage, ...]:
    return tuple(_passage(record) for record in json.loads(text))


def _record(passage: Passage) -> dict[str, Any]:
    record = {name: getattr(passage, name) for name in _FIELDS}
    record["root"] = passage.root
    if passage.also_in:
        record["also_in"] = [astuple(place) for place in passage.also_in]
    record["score"], record["cosine"] = float(passage.score), float(passage.cosine)
    record["sentences"] = [[sentence.start, sentence.end, sentence.heading] for sentence in passage.sentences]
    return record


def _passage(record: dict[str, Any]) -> Passage:
    text, offset = record["text"], record["start"]
    sentences = tuple(
        Sentence(start, end, text[start - offset : end - offset], _NO_VECTOR, heading)
        for start, end, heading in record["sentences"]
    )
    also_in = tuple(Place(*place) for place in record.get("also_in", ()))
    fields = {name: record[name] for name in _FIELDS}
    return Passage(**fields, sentences=sentences, root=record.get("root", ""), also_in=also_in)


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
