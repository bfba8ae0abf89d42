"""Chunks that the model has read before are put before it whole: that costs it no more than their sentences alone.

Evidence is cut for each question, out of passages that are not the same for two questions; the chunks in them are. What
the model has not read stays cut to the sentences worth their tokens, and its chunks are read when nobody asks anything.
So a document is read once, whatever is asked of it.
"""

from collections.abc import Sequence
from dataclasses import replace

from server.answering.events import Evidence, Question
from server.answering.evidence import GAP
from server.answering.prompt import build_messages
from server.llm.generator import Generator, KeepsPassages


def whole_where_read(
    question: Question, chosen: Sequence[Evidence], generator: Generator, most: int
) -> tuple[Evidence, ...]:
    """The evidence, the chunks in its place whose words it is cut from where they were all read before, as far as all
    of it has at most `most` tokens. What an earlier turn has shown stays as it was shown. Blocks.
    """
    fresh = any(one.n >= question.following for one in chosen)
    if not fresh or not question.may_be_stitched or not isinstance(generator, KeepsPassages):
        return tuple(chosen)
    once: dict[int, Evidence] = {}  # two parts of a question may find the same, which has one number then
    for one in chosen:
        once.setdefault(one.n, one)
    chunks = {n: chunks_of(one) for n, one in once.items() if n >= question.following}
    read = _read(question, [chunk for n in chunks for chunk in chunks[n]], generator)
    if not read:
        return tuple(chosen)
    tokens = sum(generator.count_text(once[n].text) for n in chunks)
    found: list[Evidence] = []
    shown: set[tuple[int, int]] = set()  # two parts of a question may lead to one chunk
    following = question.following
    for one in once.values():
        instead = [chunk for chunk in chunks.get(one.n, ()) if _place(chunk) not in shown]
        more = sum(generator.count_text(chunk.text) for chunk in instead) - generator.count_text(one.text)
        if one.n in chunks and chunks[one.n] and read.issuperset(map(_place, chunks[one.n])) and tokens + more <= most:
            tokens += more
            shown.update(map(_place, instead))
        else:
            instead = [one]
        for each in instead:
            found.append(each if one.n not in chunks else replace(each, n=following))
            following += one.n in chunks
    return tuple(found)


def chunks_of(evidence: Evidence) -> tuple[Evidence, ...]:
    """The chunks that it is cut from, each as evidence of its own; none where that cannot be told."""
    passage, at = evidence.passage, 0
    spans: list[tuple[int, int]] = []
    for part in evidence.text.split(GAP):
        found = passage.text.find(part, at)
        if found < 0:
            return ()
        at = found + len(part)
        spans.append((passage.start + found, passage.start + at))
    held = [chunk for chunk in passage.chunks if any(start < chunk.end and chunk.start < end for start, end in spans)]
    whole = (passage.chunk(chunk) for chunk in held)
    return tuple(replace(evidence, passage=chunk, text=chunk.text) for chunk in whole)


def _read(question: Question, chunks: Sequence[Evidence], generator: KeepsPassages) -> set[tuple[int, int]]:
    """Where those begin that the model has read; it is told of the others."""
    numbered = [replace(chunk, n=n) for n, chunk in enumerate(chunks, start=1)]
    kept = generator.kept_passages(build_messages(question, numbered, ()))
    return {_place(chunk) for chunk, is_kept in zip(chunks, kept, strict=False) if is_kept}


def _place(chunk: Evidence) -> tuple[int, int]:
    return chunk.passage.document_id, chunk.passage.start
