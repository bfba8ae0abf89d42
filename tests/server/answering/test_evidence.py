"""Evidence is the passages' own words, within the budget, numbered once and for all."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.passages import Passage, Place
from server.answering.events import Evidence
from server.answering.evidence import GAP, numbered, select_evidence, source_of, still_elsewhere, whole_evidence
from tests.server.passages import passage, retrieved

LEAVE = (
    "Employees have 25 days of annual leave. Leave is booked in the people portal.\n\nFive days of leave carry over."
)
QUESTION = "How many days of annual leave?"


def count(text: str) -> int:
    return len(text.split())


def texts(evidence: tuple[Evidence, ...]) -> list[str]:
    return [item.text for item in evidence]


def test_with_room_for_all_a_passage_stays_as_it_is() -> None:
    question = "How many days of annual leave, booked in the portal?"
    assert texts(select_evidence(retrieved(question, [passage(LEAVE, start=7)]), 100, count)) == [LEAVE]


def test_what_is_far_less_likely_to_hold_the_answer_is_left_out_though_there_is_room() -> None:
    found = retrieved(QUESTION, [passage(f"{LEAVE} The weather is fine.")])
    (item,) = select_evidence(found, 100, count)
    assert "25 days" in item.text
    assert "weather" not in item.text


def test_what_a_sentence_needs_before_it_comes_along() -> None:
    list_ = "Zebras enjoy the savanna:\n\nGrass\n25 days of annual leave"
    assert texts(select_evidence(retrieved(QUESTION, [passage(list_, lines=True)]), 100, count)) == [
        f"Zebras enjoy the savanna:{GAP}25 days of annual leave"
    ]
    pronoun = "Zebras enjoy it. It has how many days of annual leave."
    assert texts(select_evidence(retrieved(QUESTION, [passage(pronoun)]), 100, count)) == [pronoun]
    assert texts(select_evidence(retrieved(QUESTION, [passage(pronoun)]), 8, count)) == [pronoun[17:]]


def test_a_line_that_leads_in_to_a_list_comes_with_it() -> None:
    text = "Annual leave of employees needs how many days:\n\nA form\nTwo signatures\n\nZebras graze."
    assert texts(select_evidence(retrieved(QUESTION, [passage(text, lines=True)]), 100, count)) == [
        "Annual leave of employees needs how many days:\n\nA form\nTwo signatures"
    ]
    assert texts(select_evidence(retrieved(QUESTION, [passage(text, lines=True)]), 9, count)) == [text.split("\n")[0]]


def test_the_best_sentences_come_in_the_documents_order_with_a_gap_where_some_are_missing() -> None:
    found = retrieved(QUESTION, [passage(LEAVE)])
    assert texts(select_evidence(found, 7, count)) == ["Employees have 25 days of annual leave."]
    assert texts(select_evidence(found, 14, count)) == [
        f"Employees have 25 days of annual leave.{GAP}Five days of leave carry over."
    ]


def test_the_best_sentence_is_there_even_when_it_is_over_the_budget() -> None:
    assert texts(select_evidence(retrieved(QUESTION, [passage(LEAVE)]), 1, count)) == [
        "Employees have 25 days of annual leave."
    ]


def test_a_sentence_that_stands_in_two_documents_is_paid_for_once() -> None:
    found = retrieved(QUESTION, [passage(LEAVE), passage(LEAVE, document_id=2)])
    assert [item.passage.document_id for item in select_evidence(found, 100, count)] == [1]


def test_the_passage_with_the_best_sentence_comes_first() -> None:
    found = retrieved(QUESTION, [passage("Leave is for 20 days.", document_id=9), passage(LEAVE)])
    assert [(item.n, item.passage.document_id) for item in select_evidence(found, 100, count)] == [(1, 1), (2, 9)]


def test_nothing_found_and_headings_alone_are_no_evidence() -> None:
    assert select_evidence(retrieved(QUESTION, []), 100, count) == ()
    assert select_evidence(retrieved(QUESTION, [passage("")]), 100, count) == ()


def test_what_stands_beside_the_passages_is_read_too() -> None:
    found = retrieved(QUESTION, [passage("Leave is booked in the portal.", document_id=1)])
    wide = passage("Leave is booked in the portal.\n\nAnnual leave is 25 days.", document_id=1)
    assert texts(select_evidence(replace(found, wide=(wide,)), 100, count)) == ["Annual leave is 25 days."]


def test_a_question_about_a_way_takes_the_whole_list() -> None:
    steps = "To book leave:\nOpen the portal.\nChoose your days.\nPress send."
    found = retrieved("How do I book leave?", [passage(steps, lines=True)])
    assert texts(select_evidence(found, 100, count)) == [steps]


def test_numbers_go_on_and_what_was_shown_keeps_its_own() -> None:
    leave, dental = passage(LEAVE), passage("How many days the dental plan covers.", document_id=2)
    first = select_evidence(retrieved(QUESTION, [leave]), 100, count)
    second = select_evidence(retrieved(QUESTION, [dental, leave]), 100, count, first)
    assert [(item.n, item.passage.document_id) for item in second] == [(1, 1), (2, 2)]
    assert second[0] is first[0]
    third = select_evidence(retrieved(QUESTION, [leave, dental]), 100, count, [*first, *second])
    assert [item.n for item in third] == [1, 2]


def test_what_is_shown_again_names_the_copies_of_today() -> None:
    gone, left, new = (Place(n, 1, "/r", f"{n}.md", "Leave", None, 0, 9, 0, len(LEAVE)) for n in (7, 8, 9))
    before = retrieved(QUESTION, [replace(passage(LEAVE), also_in=(gone, left))])
    now = retrieved(QUESTION, [replace(passage(LEAVE), also_in=(left, new))])
    for first, second in (
        (select_evidence(before, 100, count), lambda first: select_evidence(now, 100, count, first)),
        (whole_evidence(before), lambda first: whole_evidence(now, first)),
    ):
        [again] = second(first)
        assert again == replace(first[0], passage=now.passages[0])
    sides = (*select_evidence(now, 100, count, first), *first)
    assert [one.passage.also_in for one in numbered(sides)] == [(left, new)], "each number once"


def test_other_places_are_named_as_long_as_they_hold_the_words() -> None:
    [shown] = whole_evidence(retrieved(QUESTION, [passage(LEAVE)]))
    first = shown.passage.sentences[0]
    places = tuple(Place(n, 1, "/r", f"{n}.md", "", None, 3, 60, first.start, first.end) for n in range(4))
    shown = replace(shown, passage=replace(shown.passage, also_in=places))
    now = [f"Now: {first.text.upper()}", first.text.replace("25", "26"), None, first.text.rstrip(".")]
    says = {(place.document_id, 3, 60): words for place, words in zip(places, now, strict=True)}
    assert still_elsewhere(shown, says).passage.also_in == (places[0], places[3])
    assert still_elsewhere(shown, dict.fromkeys(says, first.text)) is shown


def test_other_sentences_of_a_passage_are_new_evidence() -> None:
    first = select_evidence(retrieved(QUESTION, [passage(LEAVE)]), 7, count)
    second = select_evidence(retrieved("Where is leave booked? Portal?", [passage(LEAVE)]), 7, count, first)
    assert [(item.n, item.text) for item in second] == [(2, "Leave is booked in the people portal.")]


def test_a_merged_passage_that_holds_what_was_shown_keeps_its_number() -> None:
    first = select_evidence(retrieved(QUESTION, [passage(LEAVE, start=20)]), 7, count)
    merged = passage(f"Before it all. {LEAVE}", start=5)
    again, *new = select_evidence(retrieved(QUESTION, [merged]), 7, count, first)
    assert again is first[0]
    assert all(again.text not in item.text for item in new), "what was shown is not paid for again"


def test_words_of_a_document_that_has_changed_are_shown_anew() -> None:
    first = select_evidence(retrieved(QUESTION, [passage(LEAVE)]), 7, count)
    moved = passage(f"New words. {LEAVE}")
    second = select_evidence(retrieved(QUESTION, [moved]), 7, count, first)
    assert [(item.n, item.passage) for item in second] == [(2, moved)]


def test_the_same_words_of_another_document_are_other_evidence() -> None:
    first = select_evidence(retrieved(QUESTION, [passage(LEAVE)]), 100, count)
    assert select_evidence(retrieved(QUESTION, [passage(LEAVE, document_id=2)]), 100, count, first)[0].n == 2


def test_a_huge_passage_is_cut_to_the_budget() -> None:
    body = " ".join(f"Rule {n} is about annual leave." for n in range(2000))
    (item,) = select_evidence(retrieved(QUESTION, [passage(body)]), 200, count)
    assert 190 <= count(item.text) <= 200


sentences = st.lists(
    st.sampled_from(["Leave is 25 days.", "Crowns cost half.", "Five days carry over.", "Ask\nthem.", "Yes.", "\n\n"]),
    max_size=8,
)


@settings(deadline=None)
@given(st.lists(st.lists(sentences.map(" ".join), max_size=6), max_size=4), st.integers(1, 40))
def test_over_any_conversation(turns: list[list[str]], budget: int) -> None:
    earlier: list[Evidence] = []
    seen: dict[int, Evidence] = {}
    for bodies in turns:
        passages = [passage(body, document_id=n, start=n) for n, body in enumerate(bodies)]
        found = retrieved(QUESTION, passages)
        evidence = select_evidence(found, budget, count, earlier)
        assert evidence == select_evidence(found, budget, count, earlier)
        assert len({item.n for item in evidence}) == len(evidence)
        fresh = [item for item in evidence if item.n not in seen]
        longest = max((count(sentence.text) for one in passages for sentence in one.sentences), default=0)
        assert sum(count(item.text) for item in fresh) <= max(budget, longest)
        assert bool(evidence) == any(one.sentences for one in passages)
        for item in evidence:
            assert seen.setdefault(item.n, item) == item
            assert all(_stands_in(piece, item.passage) for piece in item.text.split(GAP))
        earlier += evidence
    assert sorted(seen) == list(range(1, len(seen) + 1))


def _stands_in(words: str, found: Passage) -> bool:
    return words in found.text


def test_each_source_of_an_answer_has_a_number_from_1_and_stands_once() -> None:
    one, two = (Evidence(n, passage(LEAVE, document_id=n), LEAVE, shown=n + 5) for n in (7, 3))
    assert [(e.n, e.number) for e in numbered([one, two, one])] == [(7, 1), (3, 2)]
    assert numbered([]) == ()


def test_what_an_answer_needs_no_prompt_for_is_whole_and_goes_on_in_numbers() -> None:
    found = retrieved(QUESTION, [passage(LEAVE, document_id=1), passage("Leave.", document_id=2)])
    earlier = [Evidence(4, passage(LEAVE, document_id=1), LEAVE)]
    assert [e.n for e in whole_evidence(found)] == [1, 2]
    assert [e.n for e in whole_evidence(found, earlier)] == [4, 5]
    assert [e.n for e in whole_evidence(found, earlier, following=9)] == [4, 9]


def test_the_source_of_words_is_the_one_whose_passage_holds_them_all() -> None:
    sources = numbered([Evidence(n, passage("x" * 10, start=10 * n, document_id=1), "x") for n in (1, 2)])
    assert source_of(1, 12, 20, sources) == sources[0]
    assert source_of(1, 20, 30, sources) == sources[1]
    assert source_of(1, 15, 25, sources) is None
    assert source_of(2, 12, 20, sources) is None
