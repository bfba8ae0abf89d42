"""Which beginnings are saved, and that a restarted scheduler goes on from them."""

import json
import queue
from pathlib import Path

import pytest

from server.engine.hot_prefixes import CopyRequest, HotPrefixes
from server.engine.scheduler import PrefillProgress, Request, Sampled, Scheduler
from server.engine.state_folder import MAX_AGE, StateFolder
from tests.server.engine.fake_decoder import FakeDecoder, expected_answer
from tests.server.engine.stepping import take_step

COMMON = tuple(range(1, 61))
SECONDS = 20  # longest wait of a test that has gone wrong


class Engine:
    """A scheduler that is started with what an earlier one has saved."""

    def __init__(
        self, folder: Path, *, key: str = "one", cells: int = 400, offload_cells: int = 0, copy_bytes: int = 100_000
    ) -> None:
        self.decoder = FakeDecoder(8, cells)
        self.scheduler = Scheduler(self.decoder, slots=3, cells=cells, offload_cells=offload_cells)
        self.hot = HotPrefixes(StateFolder(folder, key, 100_000), self.decoder, copy_bytes)
        self.hot.load(self.scheduler.slots)
        self.requests = 0

    def ask(self, *prompt: int, public: int | None = None) -> tuple[int, list[int]]:
        """Prompt tokens that were cached, and the answer, which is checked. All of the prompt may be saved, or part."""
        self.requests += 1
        public = len(prompt) if public is None else public
        self.scheduler.submit(Request(self.requests, prompt, 5, public=public))
        cached, answer = -1, []
        while self.scheduler.busy:
            for _, event in take_step(self.scheduler):
                if isinstance(event, Sampled):
                    answer.append(event.pick.token)
                elif isinstance(event, PrefillProgress):
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
    engine = Engine(tmp_path, offload_cells=400)
    other = tuple(range(100, 150))
    for last in (70, 80):
        engine.ask(*COMMON, last)
        engine.ask(*other, last)
    assert engine.scheduler.slots.offloaded.cells > 0
    engine.save()
    engine = Engine(tmp_path, offload_cells=400)
    assert engine.decoder.used == 0  # out of the way until it is needed
    assert engine.ask(*COMMON, 90)[0] == len(COMMON)
    assert engine.ask(*other, 90)[0] == len(other)
    assert Engine(tmp_path, offload_cells=40).ask(*COMMON, 90)[0] == len(COMMON)  # too little to move it to


def test_what_does_not_fit_stays_on_the_disk(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    for last in (70, 80):
        engine.ask(*COMMON, last)
    engine.save()
    engine = Engine(tmp_path, cells=50)
    assert engine.decoder.used == 0
    assert engine.ask(*range(1, 20), 5)[0] == 0


def test_nothing_of_anybodys_own_words_is_saved(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    own = tuple(range(200, 260))
    for _ in range(3):
        engine.ask(*COMMON, *own, 70, public=len(COMMON))
        engine.ask(*own, *own, public=0)
        engine.ask(*COMMON[:20], *own, public=20)  # too few to be worth a file
    engine.save()
    assert [tokens for tokens, _ in StateFolder(tmp_path, "one", 100_000).open()] == [COMMON]
    said = json.loads((tmp_path / "prefixes.json").read_text())
    assert not set(own) & {token for each in said for token in each["tokens"]}
    assert Engine(tmp_path).ask(*COMMON, *own, 71, public=0)[0] == len(COMMON)


def test_what_an_earlier_version_saved_of_peoples_words_is_removed(tmp_path: Path) -> None:
    engine = hot_engine(tmp_path)
    engine.save()
    (tmp_path / "prefixes.json").rename(tmp_path / "index.json")
    assert Engine(tmp_path).ask(*COMMON, 90)[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["prefixes.json"]


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
    HotPrefixes(StateFolder(tmp_path, "one", 100_000), engine.decoder, 100_000).load(engine.scheduler.slots)
    assert engine.ask(*COMMON, 90)[0] == 0


def test_what_is_still_cached_but_used_no_more_grows_old_on_the_disk(tmp_path: Path) -> None:
    now = 1e9
    engine = Engine(tmp_path)
    engine.hot = HotPrefixes(StateFolder(tmp_path, "one", 100_000, clock=lambda: now), engine.decoder, 100_000)
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


def hot_engine(folder: Path, copy_bytes: int = 100_000) -> Engine:
    """Two beginnings are hot, and nothing is saved."""
    engine = Engine(folder, copy_bytes=copy_bytes)
    for last in (70, 80):
        engine.ask(*COMMON, last)
        engine.ask(*range(100, 150), last)
    return engine


def test_a_copy_that_is_refused_is_saved_the_next_time(tmp_path: Path) -> None:
    engine = hot_engine(tmp_path)
    assert engine.hot.save_behind(engine.scheduler.slots, lambda request: request.refuse())
    engine.hot.wait()
    assert not list(tmp_path.glob("*.kv"))
    engine.save()
    assert len(list(tmp_path.glob("*.kv"))) == 2


def test_one_prefix_is_copied_and_written_at_a_time(tmp_path: Path) -> None:
    engine = hot_engine(tmp_path)
    asked: queue.SimpleQueue[CopyRequest] = queue.SimpleQueue()
    slots = engine.scheduler.slots
    assert engine.hot.save_behind(slots, asked.put)
    for files in range(2):
        request = asked.get(timeout=SECONDS)
        assert asked.empty()
        assert len(list(tmp_path.glob("*.kv"))) == files
        assert not engine.hot.save_behind(slots, asked.put), "there is a thread already"
        engine.hot.copy(slots, request)
    engine.hot.wait()
    assert len(list(tmp_path.glob("*.kv"))) == 2
    assert engine.hot.save_behind(slots, asked.put)
    engine.hot.wait()
    assert asked.empty(), "nothing was used since"


def test_a_copy_that_fails_does_not_leave_the_writing_thread_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = hot_engine(tmp_path)
    asked: queue.SimpleQueue[CopyRequest] = queue.SimpleQueue()
    assert engine.hot.save_behind(engine.scheduler.slots, asked.put)
    with monkeypatch.context() as broken:
        broken.setattr(engine.decoder, "state_size", lambda sequence: 1 // 0)
        for _ in range(2):
            engine.hot.copy(engine.scheduler.slots, asked.get(timeout=SECONDS))
    engine.hot.wait()
    assert not list(tmp_path.glob("*.kv"))


def test_what_needs_more_memory_than_there_is_is_not_copied(tmp_path: Path) -> None:
    engine = hot_engine(tmp_path, copy_bytes=550)  # a token takes ten, and one of the two beginnings has 60
    engine.save()
    assert len(list(tmp_path.glob("*.kv"))) == 1
    assert Engine(tmp_path).ask(*range(100, 150), 90)[0] == 50
