"""A stream that breaks at any event goes on with each block sent once."""

import asyncio
import itertools
import re
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.passages import Passage, Scope
from server.answering.events import (
    BENEATH,
    Answer,
    AnswerEvent,
    Citation,
    Evidence,
    Meanwhile,
    Progress,
    Question,
    Sources,
    Text,
)
from server.app import Parts, make_services
from server.conversations.shapes import TurnView
from server.conversations.turns import Batch, Ended, TurnEvent
from server.runtime.metrics import Metrics
from server.settings import ServerSettings
from server.views.render import guess_marks, render_answer
from server.web.pages import ask
from server.web.pages.turn_html import TurnStream, closing

TURN = TurnView(1, "c", "q", "running")
WORDS = ["one\n", "\ntwo", " more\n\n", "- a\n", "- b\n", "\nthree\n", "\n", "four"]
EVENTS: list[TurnEvent] = [
    Progress("searching"),
    Sources(()),
    Progress("reading", 1, 2),
    *(Text(word) for word in WORDS),
]
NUMBERED = list(enumerate(EVENTS, 1))


def batches(cuts: list[int], first: int = 0) -> list[Batch]:
    edges = sorted({first, len(NUMBERED), *(cut for cut in cuts if first < cut < len(NUMBERED))})
    return [NUMBERED[a:b] for a, b in itertools.pairwise(edges)]


def received(stream: TurnStream, parts: list[Batch]) -> list[tuple[str, str, str | None]]:
    """(event, data, id) of each message."""
    messages = [*stream.begin(), *(message for part in parts for message in stream.messages(part))]
    return [(str(message.event), str(message.raw_data), message.id) for message in messages]


def closed(messages: list[tuple[str, str, str | None]]) -> str:
    blocks = [data for event, data, _id in messages if event == "block"]
    assert all(data.endswith(closing(TURN.id)) for data in blocks)
    return "".join(data.removesuffix(closing(TURN.id)) for data in blocks)


def tail(messages: list[tuple[str, str, str | None]]) -> str:
    return [data for event, data, _id in messages if event == "tail"][-1]


WHOLE = closed(received(TurnStream(TURN, 0), [NUMBERED]))


@given(st.lists(st.integers(1, len(EVENTS))), st.lists(st.integers(1, len(EVENTS))), st.integers(0, 40))
def test_a_stream_that_breaks_anywhere_goes_on_where_it_was(one: list[int], two: list[int], breaks: int) -> None:
    before = received(TurnStream(TURN, 0), batches(one))[:breaks]
    last_id = next((id_ for _event, _data, id_ in reversed(before) if id_), None)
    after = received(TurnStream(TURN, int(last_id or 0)), batches(two))
    if last_id is None:  # the page knows no id: it is told to begin anew
        assert after[0][0] == "restart"
        assert closed(after) == WHOLE
    else:
        assert "restart" not in [event for event, _data, _id in after]
        assert closed(before) + closed(after) == WHOLE
    assert closed(before if last_id else []) + closed(after) + tail(after) == render_answer("".join(WORDS))


def test_what_is_waited_for_is_said_once() -> None:
    stream = TurnStream(TURN, 0)
    messages = [message for part in ([NUMBERED[2]], [NUMBERED[2]]) for message in stream.messages(part)]
    assert [message.event for message in messages] == ["status"]


def statuses(events: list[TurnEvent], *, has_model: bool = True) -> list[str]:
    stream = TurnStream(TURN, 0, has_model=has_model)
    messages = received(stream, [[numbered] for numbered in enumerate(events, 1)])
    return [re.sub("<[^>]*>", "", data).strip() for event, data, _id in messages if event == "status"]


def test_once_the_sources_are_there_it_is_the_model_that_is_waited_for() -> None:
    found = Sources((Evidence(1, Passage(1, 0.5, 0.5, 7, 1, "a.md", "Title", "", None, 0, 5, "Words", ""), "Words"),))
    waiting = "Waiting for the language model"
    searching: list[TurnEvent] = [Progress("searching"), found]
    assert statuses(searching) == ["Searching the documents", waiting]
    assert statuses(searching, has_model=False) == ["Searching the documents"]
    assert statuses([*searching, Progress("queued", 2), found, Progress("reading", 1, 2)])[2:] == [
        f"{waiting}: 2 questions are ahead of yours", "Reading 1 passage, 50%",
    ]  # fmt: skip
    assert statuses([found, Progress("loading", detail="Phi-3 loads"), found]) == [waiting, "Phi-3 loads", waiting]
    assert statuses([Progress("searching"), Sources(())]) == ["Searching the documents"], "nothing was found"
    assert statuses([found, Progress("writing"), found]) == [waiting, "Writing"], "a source was found while it wrote"


def test_a_long_open_block_is_sent_now_and_then_and_whole_when_the_turn_ends() -> None:
    items: list[TurnEvent] = [Text(f"- item {n}\n") for n in range(200)]
    events: list[TurnEvent] = [*items, Ended("done")]
    stream = TurnStream(TURN, 0)
    messages = received(stream, [[numbered] for numbered in enumerate(events, 1)])
    tails = [data for event, data, _id in messages if event == "tail"]
    assert len(tails) < len(items)
    assert tails[-1] == render_answer("".join(f"- item {n}\n" for n in range(200)))
    assert "item 199" not in tails[-2]


LONG: Batch = [(n, Text(f"- item {n}\n")) for n in range(1, 401)]


def test_words_that_a_slow_model_adds_to_a_long_open_block_wait_for_a_second_at_most() -> None:
    now = 0.0
    stream = TurnStream(TURN, 0, clock=lambda: now)
    received(stream, [LONG])
    shown = []
    for n in range(401, 421):
        now += 0.3
        shown.append(any(message.event == "tail" for message in stream.messages([(n, Text("on "))])))
    assert shown == [False, False, False, True] * 5


def test_words_before_a_pause_are_the_rest() -> None:
    stream = TurnStream(TURN, 0, clock=lambda: 0.0)
    received(stream, [LONG])
    assert [message.event for message in stream.messages([(401, Text("- last"))])] == []
    (message,) = stream.rest()
    assert (message.event, message.id) == ("tail", "401")
    assert "last" in str(message.raw_data)
    assert list(stream.rest()) == []


def source(n: int, shown: int) -> Evidence:
    return Evidence(n, Passage(1, 0.5, 0.5, 7, 1, "a.md", f"Title {n}", "", None, 0, 5, "Words", ""), "Words", shown)


def test_sources_that_are_found_while_an_answer_is_written_are_added_with_the_next_numbers() -> None:
    events: list[TurnEvent] = [
        Sources((source(5, 1), source(2, 2))),
        Text("One [1]. "),
        Sources((source(5, 1), source(2, 2), source(3, 3))),
        Text("Two [3], and [5].\n"),
        Ended("done"),
    ]
    messages = received(TurnStream(TURN, 0), [[numbered] for numbered in enumerate(events, 1)])
    shown = [data for event, data, _id in messages if event == "sources"]
    assert [data.count('class="card"') for data in shown] == [2, 3]
    assert 'id="source-1-3"' in shown[1]
    assert 'id="source-1-5"' not in shown[1]
    assert tail(messages).count('href="#source-1-') == 2
    assert "and [5]" in tail(messages)


@pytest.mark.parametrize("after", [[], [Text("\n\nThen the next one. [1]")]], ids=["whole", "in sentences"])
def test_an_answer_that_comes_a_sentence_at_a_time_is_shown_as_it_comes(after: list[TurnEvent]) -> None:
    first: list[TurnEvent] = [Sources((source(5, 1),)), Progress("reading", 1, 1), Text("A whole sentence. [1]")]
    stream = TurnStream(TURN, 0)
    assert "A whole sentence." in tail(received(stream, [list(enumerate(first, 1))]))
    text = "".join(event.delta for event in (*first, *after) if isinstance(event, Text))
    rest = [*after, Answer(text, text, True, "model"), Ended("done")]
    messages = received(TurnStream(TURN, 0), [list(enumerate([*first, *rest], 1))])
    assert closed(messages) + tail(messages) == render_answer(text, guess_marks(text, {1}, "#source-1-{}".format))


async def test_the_page_shows_every_word_while_the_model_pauses(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "LAG_SECONDS", 0.01)
    begun, shown = asyncio.Event(), asyncio.Event()

    async def answer(_question: Question) -> AsyncGenerator[AnswerEvent, None]:
        for _id, item in LONG:
            yield item
        await begun.wait()
        yield Text("- last")
        await shown.wait()

    services = make_services(settings, Parts(answer=lambda question, _means: answer(question)), Metrics())[0]
    scope = Scope(frozenset({1}))
    turn = await services.turns.start("q", "ann", scope)
    async with asyncio.timeout(20):
        async for message in ask.events(turn, services, lambda: scope, "ann"):
            if message.event == "tail":
                (shown if "last" in str(message.raw_data) else begun).set()
    assert shown.is_set()


def test_the_documents_own_words_are_shown_while_the_model_reads() -> None:
    quote = Citation(1, BENEATH, 7, 1, "leave.md", "Annual <leave>", "Days", 3, 10, 40, "Employees have <25> days.")
    (message,) = TurnStream(TURN, 1).messages([(2, Meanwhile(quote))])
    html = str(message.raw_data)
    assert message.event == "meanwhile"
    assert "Employees have &lt;25&gt; days." in html
    assert 'href="/documents/7?start=10&amp;end=40#quote"' in html
    assert "Annual &lt;leave&gt;, page 3" in html
