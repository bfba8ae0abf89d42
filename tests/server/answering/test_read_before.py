"""Passages that were read before are shown whole, as far as there is room; nothing else changes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from indexer.passages import Scope
from server.answering.events import Evidence, Exchange, Question
from server.answering.read_before import whole_where_read
from server.llm.generator import Message, Sampling
from tests.server.fakes import ScriptedGenerator
from tests.server.passages import numbered

SCOPE = Scope(frozenset({1}))
WHOLE = numbered(*(f"Words of passage {n}. " * 5 + f"What answers is {n}." for n in range(4)))
CUT = tuple(replace(one, text=f"What answers is {n}.") for n, one in enumerate(WHOLE))
QUESTION = Question("What answers?", SCOPE)


@dataclass
class Reader(ScriptedGenerator):
    """Has read passages that hold any of these words."""

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


def chosen(reader: ScriptedGenerator, question: Question = QUESTION, most: int = 10_000) -> tuple[Evidence, ...]:
    return whole_where_read(question, CUT, reader, most)


@given(st.sets(st.integers(0, 3)), st.integers(0, 400))
def test_what_was_read_is_whole_and_the_rest_as_it_was(read: set[int], most: int) -> None:
    reader = Reader(read=frozenset(f"passage {n}." for n in read))
    found = chosen(reader, most=most)
    assert [one.n for one in found] == [one.n for one in CUT]
    assert all(one in (cut, whole) for one, cut, whole in zip(found, CUT, WHOLE, strict=True))
    whole = {n for n in range(4) if found[n] == WHOLE[n]}
    assert whole <= read
    before, after = (sum(reader.count_text(one.text) for one in each) for each in (CUT, found))
    assert after <= max(before, most)
    assert whole == read or after + max(reader.count_text(one.text) for one in WHOLE) > most


def test_the_model_is_asked_for_whole_passages_so_that_it_reads_those() -> None:
    reader = Reader()
    assert chosen(reader) == CUT
    ((_, asked),) = reader.asked
    assert len(asked.passages) == 4
    assert all("Words of passage" in asked.content[span.start : span.end] for span in asked.passages)


def test_what_an_earlier_turn_has_shown_stays_as_it_was_shown() -> None:
    reader = Reader(read=frozenset({"passage"}))
    question = replace(QUESTION, history=(Exchange("What?", "This.", CUT[:2]),))
    assert chosen(reader, question) == (*CUT[:2], *WHOLE[2:])
    assert whole_where_read(question, CUT[:2], reader, 1000) == CUT[:2]


def test_where_passages_are_not_stitched_nothing_is_asked() -> None:
    reader = Reader(read=frozenset({"passage"}))
    for sampling in (Sampling(seed=1), Sampling(logprobs=0)):
        assert chosen(reader, replace(QUESTION, sampling=sampling)) == CUT
    assert reader.asked == []
    assert chosen(ScriptedGenerator()) == CUT
