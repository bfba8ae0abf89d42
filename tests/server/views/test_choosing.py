"""What is asked, in words and as chips: nothing is lost on the way to an address, whatever the names hold."""

from urllib.parse import parse_qs

from hypothesis import given
from hypothesis import strategies as st

from indexer.passages import ChosenDocument, Scope
from server.conversations.asked_of import EVERYTHING, AskedOf, asked_of_from_json, asked_of_to_json
from server.views.choosing import asked_of_words, choice

text = st.text(max_size=30)
document = st.builds(ChosenDocument, st.integers(1, 50), st.integers(1, 3), text, text, text)
documents = st.lists(document, max_size=6, unique_by=lambda one: one.id).map(tuple)
asked = st.one_of(
    st.just(EVERYTHING), st.builds(AskedOf, documents=documents), st.builds(AskedOf, st.text(min_size=1), st.just(3))
)


@given(asked)
def test_what_is_stored_comes_back(one: AskedOf) -> None:
    assert asked_of_from_json(asked_of_to_json(one)) == one
    assert (asked_of_to_json(one) == "") == (one == EVERYTHING)


@given(documents, documents)
def test_each_chip_takes_off_itself_alone(there: tuple[ChosenDocument, ...], gone: tuple[ChosenDocument, ...]) -> None:
    gone = tuple(one for one in gone if one.id not in {other.id for other in there})
    shown = choice(AskedOf(documents=there), AskedOf(documents=gone))
    every = [one.id for one in (*there, *gone)]
    assert list(shown.documents) == every
    assert [chip.gone for chip in shown.chips] == [False] * len(there) + [True] * len(gone)
    for id_, chip in zip(every, shown.chips, strict=True):
        left = parse_qs(chip.off, keep_blank_values=True)
        assert left["collection"] == [""], "an address that chooses nothing is told from one that does not choose"
        assert [int(other) for other in left.get("document", [])] == [other for other in every if other != id_]


@given(asked, st.sets(st.integers(1, 3)))
def test_a_narrowed_scope_holds_nothing_more(one: AskedOf, collections: set[int]) -> None:
    scope = Scope(frozenset(collections))
    narrow = one.narrows(scope)
    for id_ in range(1, 51):
        for collection in (1, 2, 3):
            inside = narrow.holds(id_, collection, "/r", "p")
            assert not inside or scope.holds(id_, collection, "/r", "p")
            assert not inside or not one.documents or id_ in {other.id for other in one.documents}
    seen = one.seen_by(scope)
    assert all(other.collection_id in collections for other in seen.documents)


def test_words_name_a_few_and_count_the_rest() -> None:
    def of(*titles: str) -> AskedOf:
        return AskedOf(documents=tuple(ChosenDocument(n, 1, "", f"{n}.md", t) for n, t in enumerate(titles, 1)))

    assert asked_of_words(EVERYTHING) == ""
    assert asked_of_words(AskedOf("benefits", 2)) == "in benefits"
    assert asked_of_words(of("Leave")) == "in Leave"
    assert asked_of_words(of("Leave", "")) == "in Leave and 2.md"
    assert asked_of_words(of("A", "B", "C", "D", "E")) == "in A, B, C and 2 more"
