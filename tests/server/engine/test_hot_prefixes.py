"""Which beginnings are saved, and that a restarted scheduler goes on from them."""

from pathlib import Path

import pytest

from server.engine.hot_prefixes import HotPrefixes
from server.engine.scheduler import Progress, Request, Sampled, Scheduler
from server.engine.state_folder import MAX_AGE, StateFolder
from tests.server.engine.fake_decoder import FakeDecoder, expected_answer

COMMON = tuple(range(1, 61))


class Engine:
    """A scheduler that is started with what an earlier one has saved."""

    def __init__(self, folder: Path, *, key: str = "one", cells: int = 400, kept: int = 0) -> None:
        self.decoder = FakeDecoder(8, cells)
        self.scheduler = Scheduler(self.decoder, slots=3, cells=cells, kept=kept)
        self.hot = HotPrefixes(StateFolder(folder, key, 100_000), self.decoder)
        self.hot.restore(self.scheduler.slots)
        self.requests = 0

    def ask(self, *prompt: int) -> tuple[int, list[int]]:
        """Prompt tokens that were cached, and the answer, which is checked."""
        self.requests += 1
        self.scheduler.submit(Request(self.requests, prompt, 5))
        cached, answer = -1, []
        while self.scheduler.busy:
            for _, event in self.scheduler.step():
                if isinstance(event, Sampled):
                    answer.append(event.pick.token)
                elif isinstance(event, Progress):
                    cached = event.cached
        assert answer == expected_answer(prompt, 5)
        assert self.scheduler.slots.used == self.decoder.used
        return cached, answer

    def save(self) -> None:
        self.hot.save(self.scheduler.slots)
        assert self.scheduler.slots.used == self.decoder.used


def test_a_beginning_of_several_prompts_outlives_a_restart(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    engine.ask(*COMMON, 70, 71)
    engine.ask(*COMMON, 80, 81)
    engine.save()
    engine = Engine(tmp_path)
    assert engine.ask(*COMMON, 90, 91)[0] == len(COMMON)
    assert engine.ask(*COMMON, 70, 71)[0] == len(COMMON)


def test_the_same_prompt_twice_outlives_a_restart(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    for _ in range(2):
        engine.ask(*COMMON)
    engine.save()
    assert Engine(tmp_path).ask(*COMMON)[0] == len(COMMON) - 1


def test_a_conversation_that_goes_on_is_not_saved(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    prompt = list(COMMON)
    for turn in range(3):
        _, answer = engine.ask(*prompt)
        prompt += [*answer, 90 + turn]
    engine.save()
    assert not list(tmp_path.glob("*.kv"))
    for _ in range(2):
        engine.ask(*prompt)  # asked again: its first question is common now, what follows an answer never is
    engine.save()
    assert Engine(tmp_path).ask(*prompt)[0] == len(COMMON)


def test_several_branches_share_what_they_have_in_common_when_restored(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    branches = [(*COMMON, *range(start, start + 40)) for start in (100, 200)]
    for branch in branches * 2:
        engine.ask(*branch, 7)
        engine.ask(*branch, 8)
    engine.save()
    engine = Engine(tmp_path)
    assert engine.decoder.used == engine.scheduler.slots.used == 60 + 2 * 40
    for branch in branches:
        assert engine.ask(*branch, 9)[0] == 100


def test_what_was_moved_out_of_the_cache_is_saved_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.engine.slots.IDLE_CELLS", 0)
    engine = Engine(tmp_path, kept=400)
    other = tuple(range(100, 150))
    for last in (70, 80):
        engine.ask(*COMMON, last)
        engine.ask(*other, last)
    assert engine.scheduler.slots.away > 0
    engine.save()
    engine = Engine(tmp_path, kept=400)
    assert engine.decoder.used == 0  # out of the way until it is needed
    assert engine.ask(*COMMON, 90)[0] == len(COMMON)
    assert engine.ask(*other, 90)[0] == len(other)
    assert Engine(tmp_path, kept=40).ask(*COMMON, 90)[0] == len(COMMON)  # too little to move it to


def test_what_does_not_fit_stays_on_the_disk(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    for last in (70, 80):
        engine.ask(*COMMON, last)
    engine.save()
    engine = Engine(tmp_path, cells=50)
    assert engine.decoder.used == 0
    assert engine.ask(*range(1, 20), 5)[0] == 0


def test_another_model_restores_nothing(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    for last in (70, 80):
        engine.ask(*COMMON, last)
    engine.save()
    assert Engine(tmp_path, key="two").ask(*COMMON, 90)[0] == 0


def test_a_file_that_cannot_be_loaded_is_passed_over(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    for last in (70, 80):
        engine.ask(*COMMON, last)
    engine.save()
    engine.decoder = FakeDecoder(8, 400)
    engine.decoder.load_state = lambda sequence, tokens, path: False  # type: ignore[method-assign]
    engine.scheduler = Scheduler(engine.decoder, slots=3, cells=400)
    HotPrefixes(StateFolder(tmp_path, "one", 100_000), engine.decoder).restore(engine.scheduler.slots)
    assert engine.ask(*COMMON, 90)[0] == 0


def test_what_is_still_cached_but_used_no_more_grows_old_on_the_disk(tmp_path: Path) -> None:
    now = 1e9
    engine = Engine(tmp_path)
    engine.hot = HotPrefixes(StateFolder(tmp_path, "one", 100_000, clock=lambda: now), engine.decoder)
    other = tuple(range(100, 150))
    for last in (70, 80):
        engine.ask(*COMMON, last)
        engine.ask(*other, last)
    engine.save()
    assert len(list(tmp_path.glob("*.kv"))) == 2
    now += MAX_AGE - 1
    engine.ask(*COMMON, 90)
    engine.save()
    now += 2
    engine.ask(*COMMON, 91)
    engine.save()
    assert [tokens for tokens, _ in StateFolder(tmp_path, "one", 100_000, clock=lambda: now).open()] == [COMMON]
    engine.ask(*other, 90)
    engine.save()
    assert len(list(tmp_path.glob("*.kv"))) == 2


def test_saving_stops_when_it_is_told_to(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    for last in (70, 80):
        engine.ask(*COMMON, last)
    engine.hot.save(engine.scheduler.slots, stop=lambda: True)
    assert not list(tmp_path.glob("*.kv"))
