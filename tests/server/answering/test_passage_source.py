"""A source stands exactly as long as its document says the same words in the same place."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from server.answering.passage_source import gone, source
from tests.server.passages import passage

texts = st.dictionaries(st.integers(1, 5), st.text("ab é", min_size=1, max_size=6), min_size=1)


def excerpts(documents: dict[int, str], places: Sequence[tuple[int, int, int]]) -> list[str | None]:
    return [documents[id_][start:end] if id_ in documents else None for id_, start, end in places]


@given(texts, texts)
def test_what_is_gone_is_what_is_not_said_any_more(before: dict[int, str], now: dict[int, str]) -> None:
    sources = {id_: source(passage(text, document_id=id_)) for id_, text in before.items()}
    left = gone(frozenset(sources.values()), lambda places: excerpts(now, places))
    assert left == {sources[id_] for id_, text in before.items() if now.get(id_, "")[: len(text)] != text}


def test_what_is_no_source_is_gone() -> None:
    assert gone({"", "1:2-3", "x:1-2:0011223344556677"}, lambda places: []) == {
        "",
        "1:2-3",
        "x:1-2:0011223344556677",
    }


def test_nothing_is_asked_for_where_nothing_is_kept() -> None:
    assert gone(frozenset(), lambda places: []) == frozenset()
