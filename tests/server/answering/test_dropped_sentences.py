"""What no passage supports is not shown, what claims nothing waits, and the numbers of what is cited have no gap."""

import re
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from indexer.text.terms import words
from server.answering.checker import DropReason
from server.answering.citations import ASTRAY, CitationChecker, cited_in
from server.answering.events import Exchange
from server.answering.sentence_scanner import ClosedSentence, SentenceScanner
from tests.server.answer_texts import pieces
from tests.server.checked_answers import DENTAL, EVIDENCE, LEAVE, at_once, fed, in_pieces, reasons, rewritten, shown
from tests.server.passages import numbered

RIGHT = [
    "Employees have 25 days of annual leave.",
    "Five days carry over.",
    "Crowns are covered at half their price.",
    "Leave is booked in the people portal.",
]
WRONG = [
    "Employees have 99 days of annual leave.",
    "Zebras cross wide rivers at dawn.",
    "Dogs are allowed.",
    "Leave isn't booked in the people portal.",
    "The documents do not say.",
    "Thirty days carry over.",
    "The plan of Contoso covers two cleanings a year.",
]
IDLE = ["Sure.", "Here is how:", "Yes, ", "No. ", "`code` ", "for", " [1]", " [2].", "**"]
FORM = ["\n", "\n\n", "\n- ", "\n  - ", "\n1. ", "\n> ", "\n# ", "\n| a | b |\n|---|---|\n| ", " | ", "\n```\n"]
WRONG_HEADING = re.compile(
    r"^(?:[ \t]|\[\d\])*[#|][^\n]*(?:99|Zebras|Dogs|isn't|documents do not|Thirty|Contoso)", re.M
)
"""A heading, also behind a mark, claims nothing, and of its words the numbers alone are looked for in the passages."""
CLAIMS = st.lists(st.sampled_from([*RIGHT, *WRONG, *IDLE, *FORM]), max_size=12).map(" ".join)


@settings(deadline=None, max_examples=300)
@given(CLAIMS, st.lists(st.integers(0, 400), max_size=3))
def test_every_claim_that_is_shown_has_a_citation_and_none_of_those_dropped_is_shown(
    text: str, cuts: list[int]
) -> None:
    assume(not WRONG_HEADING.search(text))
    checker = in_pieces(pieces(text, cuts))
    said = shown_sentences(checker.text)
    for sentence, marks in said:
        assert marks or not sentence.claim or len(set(words(sentence.claim))) < 5, sentence
    for dropped in checker.dropped:
        if dropped.reason != "repeated":
            shown = [words(each.claim) for each, marks in said if marks or len(words(each.claim)) >= 5]
            assert words(dropped.claim) not in shown, "but for a word or two at the beginning"
            assert text[dropped.start : dropped.end].strip()
    for wrong in ["99", "Zebras", "Dogs", "isn't", "documents do not", "Thirty", "Contoso"]:
        assert wrong not in checker.text
    assert len({tuple(words(sentence.claim)) for sentence, marks in said if marks}) == sum(bool(m) for _, m in said)


def shown_sentences(text: str) -> list[tuple[ClosedSentence, tuple[int, ...]]]:
    """The sentences that a reader sees, and the marks of each."""
    scanner = SentenceScanner(frozenset({1, 2}))
    events = [*scanner.feed(text), *scanner.flush()]
    return [(event, event.named) for event in events if isinstance(event, ClosedSentence) and event.text.strip()]


@settings(deadline=None)
@given(st.lists(st.sampled_from(LEAVE.split(". ") + DENTAL.split(". ")), max_size=8), st.integers(0, 2))
def test_numbers_in_an_answer_are_those_of_its_sources_which_go_on_without_a_gap(said: list[str], now: int) -> None:
    evidence = [replace(one, n=one.n + 40, shown=at) for at, one in enumerate(EVIDENCE[:now], start=1)]
    earlier = [replace(one, n=one.n + 10, shown=7) for one in EVIDENCE[now:]]
    checker = fed(CitationChecker(evidence, earlier=earlier), [f"{claim.rstrip('.')}. " for claim in said])
    sources = [*evidence, *checker.cited_again]
    assert [source.number for source in sources] == list(range(1, len(sources) + 1))
    for citation in checker.citations:
        assert sources[citation.n - 1].passage.document_id == citation.document_id
    cited = {citation.n for citation in checker.citations}
    assert all(one.number in cited for one in checker.cited_again)
    assert len(checker.citations) == len({claim.rstrip(".") for claim in said})


def test_passages_of_earlier_turns_support_what_this_turns_do_not_and_what_is_said_to_be_theirs() -> None:
    now, before = EVIDENCE[:1], EVIDENCE[1:2]
    said, theirs = now[0].passage.sentences[0].text, before[0].passage.sentences[0].text
    checker = fed(CitationChecker(now, earlier=before), [f"{theirs} {said}"])
    assert [citation.n for citation in checker.citations] == [2, 1]
    assert checker.cited_again == [replace(before[0], shown=2)]
    twice = fed(CitationChecker(now, earlier=[replace(now[0], n=9)]), [f"{said} Such days are of annual leave [9]."])
    assert [citation.n for citation in twice.citations] == [1, 2]
    assert [source.n for source in twice.cited_again] == [9]


# What is dropped


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("Zebras cross wide rivers at dawn.", "words"),
        ("Dogs are allowed.", "words"),
        ("Yes, dogs are allowed.", "words"),
        ("- Massages", "words"),
        ("Employees have 28 days of annual leave [1].", "number"),
        ("It is 28.", "number"),
        ("Employees have thirty days of annual leave.", "number"),
        ("Employees do not have 25 days of annual leave [1].", "negation"),
        ("Leave isn't booked in the people portal [1].", "negation"),
        ("Contoso's employees have 25 days of annual leave.", None),
        ("The employees of Contoso have 25 days of annual leave.", "name"),
        ("The documents do not say.", "knows_not"),
        ("The passages do not mention days of annual leave.", "knows_not"),
        ("Employees have days for annual leave.", "said_back"),
        ("```\nrm -rf zebras\n```", "words"),
    ],
)
def test_why_a_sentence_is_not_shown(written: str, reason: DropReason | None) -> None:
    question = "How many days for annual leave do employees have?"
    checker = fed(CitationChecker(EVIDENCE, question), list(f"Five days carry over. {written}"))
    if written[0] in "-`":
        checker = fed(CitationChecker(EVIDENCE, question), list(f"Five days carry over.\n\n{written}"))
    assert reasons(checker) == ([reason] if reason else [])
    if reason:
        assert checker.text == "Five days carry over [1]."
        assert words(checker.dropped[0].claim) == words(re.sub(r"\[1\]|^- ", "", written))


def test_a_name_must_stand_in_a_passage_that_is_cited() -> None:
    """Seen: teams of three passages in one sentence, with the mark of a fourth."""
    evidence = numbered("The kitchen of the office in Bern has a coffee machine.", "The office in Graz has a garden.")
    said = "The office in Bern has a kitchen with a coffee machine."
    assert shown(said, evidence) == f"{said[:-1]} [1]."
    assert shown("The kitchen of the office in Graz has a coffee machine.", evidence) == ""
    assert shown("The kitchens of Bern and Graz have a coffee machine.", evidence) == ""
    question = "Has the kitchen in Graz a coffee machine?"
    checker = fed(CitationChecker(evidence, question), ["The kitchen of the office in Graz has a coffee machine."])
    assert [citation.n for citation in checker.citations] == [1], "the question's own names are not held against it"


@pytest.mark.parametrize(
    ("question", "said", "right"),
    [
        ("Do they pay for crowns?", "Yes, crowns are covered at half their price.", True),
        ("Do they pay for my wifi, as half of the price is covered?", "Yes, half the price of wifi is covered.", False),
        ("Is half the price of wifi covered?", "Half the price of wifi is covered.", True),  # no habit of yes
    ],
)
def test_yes_is_not_said_to_what_no_passage_speaks_of(question: str, said: str, *, right: bool) -> None:
    checker = fed(CitationChecker(EVIDENCE, question), [said])
    assert reasons(checker) == ([] if right else ["agrees"])
    assert bool(checker.text) == right


def test_who_has_lost_the_way_is_not_believed_any_more() -> None:
    """Seen: of eighteen fields of an invented form the seventh has support by chance."""
    invented = "1. Zebras at dawn\n2. Lions at dusk\n3. Tigers at noon\n"
    assert shown(f"{invented}4. Five days carry over.\n\n```\nFive days carry over\n```") == ""
    assert shown(f"{invented[:30]}\n4. Five days carry over.").endswith("Five days carry over [1].")
    assert shown(f"Five days carry over.\n\n{invented}4. Leave is booked in the people portal.").endswith("portal [1].")


def test_who_goes_astray_is_not_waited_for() -> None:
    invented = [
        "Zebras cross rivers at dawn.",
        "Lions hunt tigers at noon.",
        "Bears steal salmon.",
        "Geese migrate south.",
    ]
    checker = CitationChecker(EVIDENCE)
    for said, over in [("Five days carry over.", False), *((one, n >= ASTRAY) for n, one in enumerate(invented, 1))]:
        checker.feed(f"{said}\n")
        assert checker.is_over == over
    back = CitationChecker(EVIDENCE)
    back.feed(
        "\n".join(["Five days carry over.", *invented[:3], "Leave is booked in the people portal.", *invented[:3], ""])
    )
    assert not back.is_over, "it came back to the passages in between"
    lost = CitationChecker(EVIDENCE)
    lost.feed("\n".join([*invented[:3], ""]))
    assert lost.is_over, "nothing of the rest would be shown"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Five days carry over. Leave is booked in the", "Five days carry over [1]."),
        ("Five days carry over.\n- Leave is booked in the people portal.", None),
        ("Five days carry over. Leave is booked in the people portal.", None),
        ("Five days carry", None),
        ("", None),
    ],
)
def test_half_a_sentence_at_the_end_is_left_out_where_one_was_said_before_it(written: str, kept: str | None) -> None:
    checker, whole = CitationChecker(EVIDENCE), CitationChecker(EVIDENCE)
    checker.feed(written)
    whole.feed(written)
    checker.flush(cut=True)
    whole.flush()
    assert checker.text == (whole.text if kept is None else kept)
    assert [one.reason for one in checker.dropped] == ([] if kept is None else ["cut"])
    assert checker.judged == len(written)


def test_an_example_alone_is_no_answer() -> None:
    said = "For example, leave is booked in the people portal."
    assert shown(f"Zebras cross wide rivers at dawn. {said}") == shown(f"**{said}**") == ""
    assert shown(f"Five days carry over. {said}") == f"Five days carry over [1]. {said[:-1]} [1]."


def test_a_documents_example_alone_is_no_answer_in_whichever_words() -> None:
    """Seen: what is paid for climbing was answered with the sums of an example about medical bills."""
    texts = ("Crowns are paid in part. For example, if a crown costs 1,000 the plan pays 800 of it.",)
    written = "If a crown costs 1,000 the plan pays 800 of it."
    assert CitationChecker(numbered(*texts)).feed(f"{written}\n").delta == ""
    kept = CitationChecker(numbered(*texts))
    assert kept.feed(f"Crowns are paid in part. {written}\n").delta.endswith("800 of it [1].")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('"Five days carry over. … Leave is booked in the people portal."',
         "Five days carry over [1]. Leave is booked in the people portal [1]."),
        ('The passage states: "Five days carry over. Leave is booked in the people portal."',
         "Five days carry over [1]. Leave is booked in the people portal [1]."),
        ("“Five days carry over. Leave is booked in the people portal.”",
         "Five days carry over [1]. Leave is booked in the people portal [1]."),
        ('"Five days carry over."', '"Five days carry over." [1]'),
        ("… Five days carry over.", "Five days carry over [1]."),
    ],
)  # fmt: skip
def test_a_quotation_of_several_sentences_leaves_no_loose_marks(written: str, told: str) -> None:
    assert shown(written) == told


@pytest.mark.parametrize("said", ['The shelf has 5" pipes.', 'The "plan of 2024" has five days.'])
def test_an_inch_and_a_number_that_is_quoted_keep_their_marks(said: str) -> None:
    assert shown(said, numbered(said)) == f"{said[:-1]} [1]."


@pytest.mark.parametrize("written", ["Yes.", "Here you are:", "Sure!", "# Zebras cross rivers", "- "])
def test_what_claims_nothing_is_no_answer_and_waits_for_one(written: str) -> None:
    checker = in_pieces(list(written))
    assert (checker.text, checker.dropped) == ("", [])
    text = f"{written}\n\nFive days carry over."
    assert in_pieces(list(text)).text == f"{text[:-1]} [1]."


def test_a_sentence_that_was_shown_is_not_said_again() -> None:
    checker = at_once(
        "Five days carry over. 25 days it is. **Five** days carry over [1]. Leave is booked in the people portal."
    )
    assert checker.text == "Five days carry over [1]. 25 days it is [1]. Leave is booked in the people portal [1]."
    assert reasons(checker) == ["repeated"]


def test_a_sentence_without_words_is_not_said_again_either() -> None:
    checker = rewritten(["— … — Five days carry over.\n…\n…"])
    assert checker.text.count("…") == 3


@pytest.mark.parametrize("before", ["Yes.", "Yes!", "Sure!", "Sure!\n\n", "Of course, yes:\n"])
def test_what_was_said_for_the_sake_of_a_dropped_sentence_goes_with_it(before: str) -> None:
    checker = at_once(f"{before} Zebras cross wide rivers at dawn.\n\nFive days carry over.")
    assert checker.text == "Five days carry over [1]."


@pytest.mark.parametrize("before", ["Yes.", "Yes,", "Yes!", "**Yes.**", "Sure!", "Sure:\n\n"])
def test_yes_comes_with_the_sentence_that_says_so(before: str) -> None:
    assert shown(f"{before} Five days carry over.") == f"{before} Five days carry over [1]."


def test_no_comes_with_the_sentence_that_says_so() -> None:
    evidence = numbered("Crowns are not covered.", LEAVE)
    assert shown("No, crowns are not covered.", evidence) == "No, crowns are not covered [1]."
    assert shown("No. Crowns are covered.", evidence) == ""


def test_a_document_that_says_that_there_is_no_information_is_quoted() -> None:
    evidence = numbered("No information about salaries is given. Documents do not have to be signed.")
    for said in ["No information about salaries is given", "The documents do not have to be signed"]:
        assert shown(f"{said}.", evidence) == f"{said} [1]."
    assert shown("The documents do not say whether salaries have information.", evidence) == ""


def test_what_is_asked_may_be_said_where_it_is_the_answer() -> None:
    for question, said in [
        ("Do five days carry over?", "Five days carry over"),
        ("Is leave booked in the portal of people, or by mail?", "Leave is booked in the people portal"),
    ]:
        assert fed(CitationChecker(EVIDENCE, question), [f"{said}."]).text == f"{said} [1]."
    said_back = CitationChecker(EVIDENCE, "What leave is booked in the people portal?")
    assert fed(said_back, ["Leave is booked in the people portal."]).text == ""


def test_names_of_the_question_are_known() -> None:
    said = "At Contoso employees have 25 days of annual leave."
    assert fed(CitationChecker(EVIDENCE, "What has Contoso?"), [said]).text == f"{said[:-1]} [1]."
    assert fed(CitationChecker(EVIDENCE, "What has Fabrikam?"), [said]).text == ""


def test_code_is_shown_where_a_passage_holds_it() -> None:
    evidence = numbered("Start it with `make chat PORT=8001` in the folder.")
    held = "Run this:\n\n```sh\nmake chat PORT=8001\n```\n\nStart it in the folder."
    assert shown(held, evidence) == held[:-1] + " [1]."
    assert shown(held.replace("8001", "9"), evidence) == "Start it in the folder [1]."
    assert shown("```\nmake chat", evidence) == "```\nmake chat"
    assert shown("```\n```", evidence) == ""


@pytest.mark.parametrize("form", ["**{} {}**", "| {} {} |", "| {} | {} |"])
def test_what_is_shown_together_is_supported_in_every_part(form: str) -> None:
    before = "| Leave |\n|---|\n| Five days carry over [1] |\n" if form[0] == "|" else "Five days carry over [1].\n"
    right, other = "Employees have 25 days of annual leave.", "Crowns are covered at half their price."
    assert shown(before + form.format(right, "Dogs are allowed.")) == before.rstrip()
    assert shown(before + form.format("Employees have 99 days.", right)) == before.rstrip()
    both = at_once(before + form.format(right, other))
    assert [citation.n for citation in both.citations] == [1, 1, 2]
    assert both.text.count("\n") == before.count("\n")


# In another form


def test_in_another_form_what_nothing_supports_stays_and_is_doubted() -> None:
    checker = rewritten(list("Angestellte haben 25 Tage Urlaub. Yes. It is 28."))
    assert checker.text == "Angestellte haben 25 Tage Urlaub. Yes. It is 28."
    assert [(checker.text[d.start : d.end], d.reason) for d in checker.unsupported] == [
        ("Angestellte haben 25 Tage Urlaub.", "words"),
        ("Yes. It is 28.", "number"),
    ]


def test_in_another_form_each_sentence_keeps_its_citation() -> None:
    table = "| Leave | |\n|---|---|\n| Days of annual leave | 25 |\n| Days that carry over | five |"
    checker = rewritten(list(table))
    assert checker.text == table.replace("25 |", "25 [1] |").replace("five |", "five [1] |")


def test_an_answer_is_written_in_another_form_from_what_it_cites() -> None:
    shown_then = tuple(replace(one, n=one.n + 5, shown=one.n) for one in EVIDENCE)
    assert cited_in(Exchange("?", "Crowns are covered at half their price [2].", shown_then)) == shown_then[1:]
    assert cited_in(Exchange("?", "Krone: halber Preis.", shown_then)) == shown_then
    assert cited_in(Exchange("?", "", ())) == ()
