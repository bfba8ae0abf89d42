"""How far a language model is, in words, and who may change it."""

from dataclasses import replace
from typing import get_args

import pytest

from server.runtime.model_arrival import Arrival, ModelArrival, Stage

STAGES: tuple[Stage, ...] = get_args(Stage)
ON_ITS_WAY = Arrival("fetching", "qwen2.5-coder-1.5b", 412_900_000, 1_117_320_768)


def at(stage: Stage) -> Arrival:
    return replace(ON_ITS_WAY, stage=stage)


def test_how_far_it_is_and_what_answers_until_then() -> None:
    assert ON_ITS_WAY.headline == "Language model on its way (412 of 1,117 MB): answers are quotations until then."
    assert ON_ITS_WAY.sentence == (
        "qwen2.5-coder-1.5b is on its way (412 of 1,117 MB): answers are quotations until then."
    )


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage not in ("none", "ready")])
def test_every_state_says_what_answers_meanwhile(stage: Stage) -> None:
    state = at(stage)
    assert "nswers are quotations" in state.headline
    assert "nswers are quotations" in state.sentence
    assert state.said
    assert state.is_moving != state.ended_without


@pytest.mark.parametrize("stage", ["none", "ready"])
def test_where_a_model_writes_nothing_stands_in_the_way(stage: Stage) -> None:
    assert (at(stage).headline, at(stage).sentence) == ("", "")


def test_another_model_than_the_first_choice_says_why() -> None:
    state = replace(ON_ITS_WAY, why="Too little memory for the large one.")
    assert state.remark == "Too little memory for the large one."
    assert state.sentence.endswith("Too little memory for the large one.")


def test_why_it_failed_is_for_everybody_and_what_to_do_for_whoever_runs_it() -> None:
    state = replace(at("failed"), why="The hub cannot be reached.", advice="Fetch it by hand:\n  file x")
    assert state.headline == "There is no language model. The hub cannot be reached. Answers are quotations."
    assert state.sentence == f"{state.headline}\nFetch it by hand:\n  file x"


def test_what_is_read_out_has_no_number_that_changes_every_second() -> None:
    assert not any(character.isdigit() for stage in ("waiting", "fetching", "checking") for character in at(stage).said)


def test_what_was_cancelled_says_nothing_more() -> None:
    arrival = ModelArrival()
    attempt = arrival.attempt(ON_ITS_WAY)
    attempt.note(done=500_000_000)
    assert arrival.state.done == 500_000_000
    arrival.cancel()
    attempt.note(stage="checking")
    assert (arrival.state.stage, attempt.cancelled.is_set()) == ("cancelled", True)


@pytest.mark.parametrize("stage", STAGES)
async def test_only_what_goes_on_is_cancelled_and_only_what_ended_is_tried_again(stage: Stage) -> None:
    arrival = ModelArrival()
    arrival.attempt(at(stage))
    arrival.cancel()
    assert (arrival.state.stage == "cancelled") == (stage in ("waiting", "fetching", "checking", "cancelled"))
    arrival.become(at(stage))
    arrival.again()
    assert (arrival.state.stage != stage) == (stage in ("failed", "cancelled", "too_large", "no_room"))


async def test_a_later_attempt_is_not_ended_by_an_earlier_cancel() -> None:
    arrival = ModelArrival()
    first = arrival.attempt(ON_ITS_WAY)
    arrival.cancel()
    arrival.again()
    await arrival.asked_again()
    second = arrival.attempt(ON_ITS_WAY)
    first.note(done=1)
    second.note(done=2)
    assert (arrival.state.done, second.cancelled.is_set()) == (2, False)
