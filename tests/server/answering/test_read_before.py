"""Chunks that were read before are shown whole, as far as there is room; nothing else changes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.passages import ChunkSpan, Scope
from server.answering.events import Evidence, Exchange, Question
from server.answering.evidence import GAP, numbered
from server.answering.prompt import build_messages
from server.answering.read_before import chunks_of, whole_where_read
from server.llm.generator import Message, Sampling
from tests.server.fakes import ScriptedGenerator
from tests.server.passages import passage

SCOPE = Scope(frozenset({1}))
QUESTION = Question("What answers?", SCOPE)


def wide(n: int, document_id: int = 0) -> Evidence:
    """Of a passage of three chunks the sentence that answers, which is in the second."""
    texts = [f"Words of chunk {n}{part}. " * 4 + f"What answers is {n}{part}.\n" for part in "abc"]
    found = passage("".join(texts), start=10, document_id=document_id or n)
    starts = [10 + len("".join(texts[:i])) for i in range(4)]
    chunks = tuple(ChunkSpan(starts[i], starts[i + 1], f"Part {i}", "Handbook") for i in range(3))
    return Evidence(n, replace(found, chunks=chunks), f"What answers is {n}b.")


CUT = tuple(wide(n) for n in range(1, 5))


@dataclass
class Reader(ScriptedGenerator):
    """Has read chunks that hold any of these words."""

    read: frozenset[str] = frozenset()
    asked: list[Sequence[Message]] = field(default_factory=list)

    def kept_passages(self, messages: Sequence[Message]) -> Sequence[bool]:
        self.asked.append(messages)
        texts = [m.content[span.start : span.end] for m in messages for span in m.passages]
        return [any(words in text for words in self.read) for text in texts]

    def passage_sources(self) -> frozenset[str]:
        return frozenset()

    def forget_passages(self, sources: Collection[str]) -> None:
        pass


def whole(one: Evidence) -> str:
    """The text of its second chunk."""
    return one.passage.chunk(one.passage.chunks[1]).text


@given(st.sets(st.integers(1, 4)), st.integers(0, 400))
def test_what_was_read_is_whole_and_the_rest_as_it_was(read: set[int], most: int) -> None:
    reader = Reader(read=frozenset(f"chunk {n}b." for n in read))
    found = whole_where_read(QUESTION, CUT, reader, most)
    assert [one.n for one in found] == [1, 2, 3, 4]
    changed = {n for n in range(1, 5) if found[n - 1].text == whole(CUT[n - 1])}
    assert all(found[n - 1] == CUT[n - 1] for n in range(1, 5) if n not in changed)
    assert changed <= read
    before, after = (sum(reader.count_text(one.text) for one in each) for each in (CUT, found))
    assert after <= max(before, most)
    assert changed == read or after + max(reader.count_text(whole(one)) for one in CUT) > most


def test_a_whole_chunk_is_evidence_as_any_other() -> None:
    (one, *_) = whole_where_read(QUESTION, CUT, Reader(read=frozenset({"chunk"})), 10_000)
    assert one.text == one.passage.text == whole(CUT[0])
    assert one.passage.heading == "Part 1"
    assert CUT[0].passage.text[one.passage.start - 10 : one.passage.end - 10] == one.text
    assert [sentence.text for sentence in one.passage.sentences][-1] == "What answers is 1b."
    assert build_messages(QUESTION, [one], ())[-1].passages


def test_the_model_is_told_of_whole_chunks_so_that_it_reads_those() -> None:
    reader = Reader()
    assert whole_where_read(QUESTION, CUT, reader, 10_000) == CUT
    ((_, asked),) = reader.asked
    texts = [asked.content[span.start : span.end] for span in asked.passages]
    assert len(texts) == 4
    assert all(f"Words of chunk {n}b" in text for n, text in enumerate(texts, start=1))
    assert not any(f"chunk {n}a" in text for n, text in enumerate(texts, start=1))


def test_evidence_of_two_chunks_is_both_or_stays_cut() -> None:
    both = replace(CUT[1], text=f"What answers is 2a.{GAP}What answers is 2c.")
    cut = (CUT[0], both, CUT[2])
    assert [len(chunks_of(one)) for one in cut] == [1, 2, 1]
    assert whole_where_read(QUESTION, cut, Reader(read=frozenset({"chunk 2a"})), 10_000) == cut
    found = whole_where_read(QUESTION, cut, Reader(read=frozenset({"chunk 2"})), 10_000)
    assert [one.n for one in found] == [1, 2, 3, 4]
    assert ["Words" in one.text for one in found] == [False, True, True, False]


def test_what_an_earlier_turn_has_shown_stays_as_it_was_shown() -> None:
    reader = Reader(read=frozenset({"chunk"}))
    question = replace(QUESTION, history=(Exchange("What?", "This.", CUT[:2]),))
    found = whole_where_read(question, CUT, reader, 10_000)
    assert found[:2] == CUT[:2]
    assert [(one.n, one.text) for one in found[2:]] == [(n, whole(CUT[n - 1])) for n in (3, 4)]
    assert whole_where_read(question, CUT[:2], reader, 1000) == CUT[:2]


def test_where_passages_are_not_stitched_nothing_is_asked() -> None:
    reader = Reader(read=frozenset({"chunk"}))
    for sampling in (Sampling(seed=1), Sampling(logprobs=0)):
        assert whole_where_read(replace(QUESTION, sampling=sampling), CUT, reader, 10_000) == CUT
    assert reader.asked == []
    assert whole_where_read(QUESTION, CUT, ScriptedGenerator(), 10_000) == CUT


def test_a_chunk_that_two_parts_of_a_question_lead_to_is_shown_once() -> None:
    reader = Reader(read=frozenset({"chunk"}))
    twice = (CUT[0], replace(CUT[0], n=2, text="Words of chunk 1b."), CUT[2])
    found = whole_where_read(QUESTION, twice, reader, 10_000)
    assert [(one.n, one.text) for one in found] == [(1, whole(CUT[0])), (2, whole(CUT[2]))]


@pytest.mark.parametrize("read", [frozenset[str](), frozenset({"chunk 3"}), frozenset({"chunk"})])
def test_what_two_parts_of_a_question_found_alike_stands_once(read: frozenset[str]) -> None:
    found = whole_where_read(QUESTION, (*CUT[:3], CUT[0], CUT[1]), Reader(read=read), 10_000)
    assert [one.n for one in numbered(found)] == [1, 2, 3]
    assert len({one.text for one in numbered(found)}) == 3


def test_where_nothing_was_read_numbers_stay() -> None:
    chosen = (CUT[0], CUT[0], replace(CUT[2], n=4))
    assert whole_where_read(QUESTION, chosen, Reader(), 10_000) == chosen


def test_words_that_do_not_stand_in_the_passage_stay() -> None:
    odd = replace(CUT[0], text="Something else.")
    stored = replace(CUT[1], passage=replace(CUT[1].passage, chunks=()))
    assert chunks_of(odd) == chunks_of(stored) == ()
    assert whole_where_read(QUESTION, (odd, stored), Reader(read=frozenset({"chunk"})), 10_000) == (odd, stored)
