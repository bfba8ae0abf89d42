"""What becomes of what a model writes: only what the passages support is shown, and else their own words."""

from dataclasses import replace

import pytest
from sqlmodel import Session, select

from indexer.knowledge.tables import Document, now
from indexer.passages import Retrieved, Scope
from server.answering.citations import CitationChecker
from server.answering.context_window import Prompt
from server.answering.events import Answer, Clock, Evidence, Exchange, Progress, Question, Sources, Text
from server.answering.evidence import numbered
from server.answering.prompt import NOT_FOUND
from server.answering.writing import write
from server.errors import Unavailable
from server.llm.generator import Sampling
from tests.server.asked_library import LEAVE_QUESTION, OFF_TOPIC, Library, final
from tests.server.fakes import LEAVE, ScriptedGenerator
from tests.server.passages import passage, retrieved

RIGHT = "Employees have 25 days of annual leave."


async def test_only_what_the_passages_support_is_shown_and_remembered(library: Library) -> None:
    written = ["Employees have 99 days of annual leave [1].", f" {RIGHT}", " Zebras cross rivers at night. Sure!"]
    model = ScriptedGenerator(written)
    given = final(await library.events(library.ask(LEAVE_QUESTION), model))
    assert (given.text, given.mode) == (f"{RIGHT[:-1]} [{given.citations[0].n}].", "model")
    assert given.raw == RIGHT, "later turns do not read what nobody was shown"
    assert (given.unsupported, given.supported, given.answered) == ((), True, True)


async def test_an_answer_of_which_nothing_is_dropped_is_remembered_as_it_was_written(library: Library) -> None:
    written = [f"{RIGHT} [1] Sure!\n"]
    given = final(await library.events(library.ask(LEAVE_QUESTION), ScriptedGenerator(written)))
    assert given.raw == written[0], "what the model has computed stays true"


async def test_beneath_it_stand_the_sentences_that_it_rests_on(library: Library) -> None:
    given = final(await library.events(library.ask(LEAVE_QUESTION), ScriptedGenerator(["Five days carry over."])))
    assert given.quotes[0].quote.startswith(RIGHT), "with its paragraph"
    assert "Five days carry over." not in [quote.quote for quote in given.quotes], "it is written already"


NO_ANSWER = [
    NOT_FOUND,
    f"**{NOT_FOUND}** [1]",
    "The passages do not mention it.",
    "",
    " \n",
    "[1]",
    "[1] [2].",
    "Yes.",
    "Employees have days of annual leave.",
    "Employees have 99 days of annual leave [1].",
    "Zebras cross rivers.",
    "# Leave",
    "```\n99\n```",
]


@pytest.mark.parametrize("written", NO_ANSWER)
@pytest.mark.parametrize("abstain", [True, False])
async def test_where_nothing_of_it_may_be_shown_the_documents_own_words_are_the_answer(
    library: Library, written: str, abstain: bool
) -> None:
    question = replace(library.ask(LEAVE_QUESTION), abstain=abstain, sampling=Sampling(logprobs=0))
    events = await library.events(question, ScriptedGenerator([written]))
    given = final(events)
    assert given.text.startswith(f"> {RIGHT} [")
    assert (given.answered, given.mode, given.closest, given.quotes) == (True, "extractive", (), ())
    assert given.raw == given.text
    assert (given.usage.completion_tokens, given.usage.prompt_tokens > 0) == (1, True)
    assert not any(event.logprobs for event in events if isinstance(event, Text)), "of words that nobody is shown"


async def test_a_client_that_wants_no_refusal_gets_quotations_of_what_is_nearest(library: Library) -> None:
    question = replace(library.ask(OFF_TOPIC), abstain=False)
    given = final(await library.events(question, ScriptedGenerator(["Perhaps."])))
    assert (given.answered, given.mode) == (True, "extractive")
    assert given.text.startswith("> ")


async def test_a_sentence_that_finds_nothing_does_not_hide_the_one_that_does(library: Library) -> None:
    written = ["The documents do not say it all. ", RIGHT]
    given = final(await library.events(library.ask(LEAVE_QUESTION), ScriptedGenerator(written)))
    assert (given.text, given.answered, len(given.citations)) == (f"{RIGHT[:-1]} [1].", True, 1)


# What is written, step by step


async def written(
    question: Question, found: Retrieved | None, *texts: str, evidence: tuple[Evidence, ...] = ()
) -> list[object]:
    """Events of an answer whose model writes these texts, over `evidence` and what the question's turns have shown."""
    now_shown = numbered(evidence)
    prompt = Prompt([], now_shown, question.shown)
    checker = CitationChecker(now_shown, question.text, earlier=question.shown)
    stream = write(question, prompt, ScriptedGenerator(texts), checker, found, Clock())
    return [event async for event in stream]


LEAVE_PASSAGE = passage(LEAVE, document_id=1)


def asked(text: str, *shown: Evidence) -> Question:
    return Question(text, Scope(frozenset({1})), (Exchange("Before?", "So.", shown),) if shown else ())


async def test_that_it_writes_is_told_before_a_sentence_can_be_shown() -> None:
    events = await written(asked("?"), None, "Employees", " have", evidence=(Evidence(1, LEAVE_PASSAGE, LEAVE),))
    assert events.index(Progress("writing")) == 1


async def test_where_only_an_earlier_passage_is_known_it_becomes_the_first_source() -> None:
    events = await written(asked("?", Evidence(5, LEAVE_PASSAGE, LEAVE, shown=3)), None, RIGHT)
    assert [event.evidence for event in events if isinstance(event, Sources)] == [
        (Evidence(5, LEAVE_PASSAGE, LEAVE, shown=1),)
    ]
    answer = events[-1]
    assert isinstance(answer, Answer)
    assert [citation.n for citation in answer.citations] == [1]


async def test_passages_that_are_quoted_instead_are_told_apart_from_all_that_the_conversation_has_shown() -> None:
    dental = passage("Crowns are covered at half their price.", document_id=2)
    question = asked("Are crowns covered?", *(Evidence(n, LEAVE_PASSAGE, LEAVE) for n in (1, 9)))
    found = retrieved(question.text, [dental])
    events = await written(question, found, "Zebras cross rivers.", evidence=(Evidence(1, LEAVE_PASSAGE, LEAVE),))
    (sources_,) = [event.evidence for event in events if isinstance(event, Sources)]
    assert [(one.n, one.number, one.passage.document_id) for one in sources_] == [(1, 1, 1), (10, 2, 2)]
    answer = events[-1]
    assert isinstance(answer, Answer)
    assert answer.text == "> Crowns are covered at half their price. [2]"


async def test_passages_that_it_has_read_are_quoted_by_their_numbers() -> None:
    wide = passage(f"Zebras. {LEAVE}", document_id=1)
    found = retrieved(LEAVE_QUESTION, [passage(LEAVE, document_id=1, start=8)])
    events = await written(asked(LEAVE_QUESTION), found, "Elks!", evidence=(Evidence(4, wide, "Zebras."),))
    assert not any(isinstance(event, Sources) for event in events), "they are known"
    answer = events[-1]
    assert isinstance(answer, Answer)
    assert answer.text == f"> {RIGHT} [1]"


async def test_where_nothing_can_be_quoted_either_the_documents_do_not_say() -> None:
    *_, answer = await written(asked("?"), retrieved("?", [passage("")]), NOT_FOUND)
    assert isinstance(answer, Answer)
    assert (answer.text, answer.answered, answer.usage.completion_tokens) == (NOT_FOUND, False, 1)


async def test_where_nothing_was_searched_for_it_is_said_that_nothing_can_be_shown() -> None:
    with pytest.raises(Unavailable, match="wrote nothing that can be shown") as problem:
        await written(asked("?"), None, "I cannot help with that.")
    assert problem.value.code == "nothing_written"


# Log probabilities


async def logprobs_of(library: Library, *words: str, retrieval: bool = True) -> list[tuple[str, str]]:
    """Of each Text its words, and the tokens that came with them."""
    question = replace(library.ask(LEAVE_QUESTION), retrieval=retrieval, sampling=Sampling(logprobs=0))
    events = await library.events(question, ScriptedGenerator(words))
    final(events)
    return [
        (event.delta, "".join(token.token for token in event.logprobs)) for event in events if isinstance(event, Text)
    ]


async def test_log_probabilities_come_with_the_words_they_belong_to(library: Library) -> None:
    words = [
        "Employees",
        " have",
        " 25",
        " days",
        " of annual leave",
        " [",
        "1",
        "]",
        ".",
        " Five",
        " days carry over.",
    ]
    assert await logprobs_of(library, *words) == [
        (f"{RIGHT[:-1]} [1].", f"{RIGHT[:-1]} [1]."),
        (" Five days carry over [1].", " Five days carry over."),
    ]


async def test_there_are_none_of_what_is_dropped(library: Library) -> None:
    words = ["Employees", " have", " 99", " days.", f" {RIGHT}", " Zebras", " run fast."]
    assert await logprobs_of(library, *words) == [(f"{RIGHT[:-1]} [1].", f" {RIGHT}")]


async def test_of_an_unchecked_answer_they_are_passed_on_at_once(library: Library) -> None:
    words = ["Zebras", " run [1]", ".", ""]
    assert await logprobs_of(library, *words, retrieval=False) == [(word, word) for word in words]


# What the turns before have shown


@pytest.fixture
def follow_up_cites(library: Library) -> Question:
    """A question for which the search finds other passages than the one that the turn before it has shown."""
    leave = next(passage for passage in library.found(LEAVE_QUESTION, "handbook") if passage.document == "leave.md")
    shown = Evidence(1, leave, LEAVE)
    history = (Exchange(LEAVE_QUESTION, "Employees have 25 days of annual leave [1].", (shown,)),)
    return replace(library.ask("Are crowns covered at half their price?", "benefits"), history=history, abstain=False)


async def test_a_follow_up_that_rests_on_an_earlier_passage_cites_it(
    library: Library, follow_up_cites: Question
) -> None:
    question = replace(follow_up_cites, scope=library.ask("").scope)
    model = ScriptedGenerator(["Crowns are covered at half their price. ", "Employees have 25 days of annual leave."])
    events = await library.events(question, model)
    given = events[-1]
    assert isinstance(given, Answer)
    assert [citation.document for citation in given.citations] == ["dental.md", "leave.md"]
    *_, before, after = [event.evidence for event in events if isinstance(event, Sources)]
    assert 1 not in {item.n for item in before}
    again = replace(question.history[0].evidence[0], shown=len(before) + 1)
    assert after == (*before, again), "what is cited is a source of this answer too"
    assert given.citations[1].n == again.number
    cited = next(
        at for at, event in enumerate(events) if isinstance(event, Text) and event.citations[-1:] == given.citations[1:]
    )
    assert events[cited - 1] == Sources(after), "it is known before the words that rest on it"


def rests_on_dental_alone(given: Answer) -> None:
    """Nothing supports what the model says of leave, so that what was found is quoted."""
    assert (given.mode, {citation.document for citation in given.citations}) == ("extractive", {"dental.md"})
    assert "25 days" not in given.text


async def test_what_the_asker_may_not_read_any_more_supports_nothing(
    library: Library, follow_up_cites: Question
) -> None:
    model = ScriptedGenerator(["Employees have 25 days of annual leave."])
    events = await library.events(follow_up_cites, model)
    rests_on_dental_alone(final(events))
    assert all("carry over" not in message.content for message in model.prompts[0])


@pytest.mark.parametrize("change", ["deleted", "rewritten"])
async def test_what_a_document_does_not_say_any_more_supports_nothing(
    library: Library, follow_up_cites: Question, change: str
) -> None:
    question = replace(follow_up_cites, scope=library.ask("").scope)
    with Session(library.catalog.engine) as session:
        leave = session.exec(select(Document).where(Document.path == "leave.md")).one()
        if change == "deleted":
            leave.deleted_at = now()
        else:
            leave.text = leave.text.replace("25 days", "30 days")
        session.commit()
    model = ScriptedGenerator(["Employees have 25 days of annual leave."])
    rests_on_dental_alone(final(await library.events(question, model)))
    assert all("carry over" not in message.content for message in model.prompts[0])


async def test_the_passages_of_turns_that_were_dropped_support_nothing(
    library: Library, follow_up_cites: Question
) -> None:
    question = replace(follow_up_cites, scope=library.ask("").scope, forgetful=True)
    model = ScriptedGenerator(["Employees have 25 days of annual leave."], context=130)
    given = final(await library.events(question, model))
    assert len(model.prompts[0]) == 2, "the earlier turn does not fit"
    rests_on_dental_alone(given)


async def test_a_model_that_goes_astray_is_stopped_and_what_it_took_is_counted(library: Library) -> None:
    astray = ["Zebras cross rivers.\n", "Lions hunt tigers.\n", "Bears steal salmon.\n", "Geese migrate south.\n"]
    model = ScriptedGenerator([f"{RIGHT}\n", *astray, "Frogs leap far.\n" * 50])
    given = final(await library.events(library.ask(LEAVE_QUESTION), model))
    assert model.closed.is_set()
    assert (given.text, given.reason) == (f"{RIGHT[:-1]} [{given.citations[0].n}].", "stop")
    assert given.usage.prompt_tokens == model.count(model.prompts[-1])
    assert 0 < given.usage.completion_tokens < 50


async def test_a_model_that_goes_in_circles_is_stopped(library: Library) -> None:
    model = ScriptedGenerator([f"{RIGHT} Leave is booked", *[" in the people portal and in the people portal"] * 90])
    given = final(await library.events(library.ask(LEAVE_QUESTION), model))
    assert model.closed.is_set()
    assert given.usage.completion_tokens < 90
    assert (given.text, given.reason) == (f"{RIGHT[:-1]} [{given.citations[0].n}].", "stop")
