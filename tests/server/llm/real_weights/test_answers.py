"""What can be asked of an answer: where it ends, its form, its probabilities; and that a slot is free when nobody
listens any more.
"""

import json
import math

import pytest

from server.llm.generator import GenerationEvent, Message, Piece, Prefilling, Queued, Sampling, TokenLogprob
from server.llm.local import LocalGenerator
from server.llm.machine import SLOTS
from tests.server.llm.real_weights.conftest import EXPIRE, MARKS, REPEAT, TEXT, Loaded
from tests.server.llm.test_local import collect, completed, text

pytestmark = MARKS
QUESTION = [TEXT, EXPIRE]
ANSWER = "Unused days expire on 31 March."
LONG = [Message("user", "Everyone gets 25 days of leave a year. " * 60)]
SCHEMA = {
    "type": "object",
    "properties": {"day": {"type": "integer"}, "month": {"enum": ["March", "April", "May"]}},
    "required": ["day", "month"],
    "additionalProperties": False,
}


async def test_it_ends_where_the_model_ends_it_and_no_mark_is_shown(generator: LocalGenerator) -> None:
    events = await collect(generator, QUESTION, Sampling(max_tokens=40))
    assert text(events) == ANSWER
    done = completed(events)
    assert done.reason == "stop"
    assert done.usage.prompt_tokens == generator.count(QUESTION)
    assert done.usage.completion_tokens == generator.count_text(ANSWER)


@pytest.mark.parametrize(
    ("stop", "kept"), [(" expire", "Unused days"), ("on 31 M", "Unused days expire "), ("?", ANSWER)]
)
async def test_a_stop_string_ends_it_before_that(generator: LocalGenerator, stop: str, kept: str) -> None:
    events = await collect(generator, QUESTION, Sampling(max_tokens=40, stop=(stop,)))
    assert text(events) == kept
    assert completed(events).reason == "stop"


async def test_it_is_no_longer_than_was_asked_for(generator: LocalGenerator) -> None:
    events = await collect(generator, QUESTION, Sampling(max_tokens=4))
    assert completed(events).usage.completion_tokens == 4
    assert completed(events).reason == "length"
    assert ANSWER.startswith(text(events))


def logprobs(events: list[GenerationEvent]) -> list[TokenLogprob]:
    return [logprob for event in events if isinstance(event, Piece) for logprob in event.logprobs]


async def test_log_probabilities_are_those_of_llama_cpp(generator: LocalGenerator, smol: Loaded) -> None:
    events = await collect(generator, QUESTION, Sampling(max_tokens=40, logprobs=20))
    found = logprobs(events)
    assert "".join(each.token for each in found) == ANSWER
    assert all(each.top[0] == (each.token, each.logprob) for each in found)
    assert all(0.5 < sum(math.exp(logprob) for _, logprob in each.top) <= 1 + 1e-9 for each in found)
    wanted = smol.bare.answer(smol.encode(*QUESTION), 40)
    assert sum(each.logprob for each in found) == pytest.approx(sum(wanted.logprobs), abs=0.5)


async def test_json_by_a_schema(generator: LocalGenerator) -> None:
    events = await collect(generator, QUESTION, Sampling(max_tokens=60, json_schema=SCHEMA))
    assert completed(events).reason == "stop"
    assert json.loads(text(events)) == {"day": 31, "month": "March"}


async def test_closing_in_a_prefill_and_in_an_answer_frees_the_slots(generator: LocalGenerator) -> None:
    prefill = generator.generate(LONG, Sampling(max_tokens=1))
    async for event in prefill:
        assert isinstance(event, Prefilling)
        if event.done:
            break
    await prefill.aclose()
    answer = generator.generate([TEXT, REPEAT], Sampling(max_tokens=400))
    async for event in answer:
        if isinstance(event, Piece):
            break
    await answer.aclose()

    assert text(await collect(generator, QUESTION, Sampling(max_tokens=40))) == ANSWER
    again = [generator.generate(LONG, Sampling(max_tokens=1)) for _ in range(SLOTS)]
    for stream in again:
        first = await anext(stream)
        assert not isinstance(first, Queued)
        assert isinstance(first, Prefilling)
        assert first.done < first.total - 200, "the rest was computed for nobody"
        await stream.aclose()
