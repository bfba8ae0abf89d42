"""A fast path never changes an answer: token for token what llama.cpp gives without any of the engine.

Where a request has the cache to itself, its batches and cells are those of the bare loop, and every log probability is
the same to the last bit. Beside others, or with drafts, llama.cpp adds up the same numbers in another order, since a
batch has several rows instead of one, or cells lie elsewhere. With quantised weights that alone moves log
probabilities: by .04 on average and .21 at most over 72 tokens, when the bare loop's own prompt begins one cell later
in the cache. There each token must be the bare loop's choice or as good as that, and where the model is sure, the same.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.engine.hot_prefixes import HotPrefixes
from server.engine.llama import Context, build
from server.engine.scheduler import Failed, Finished, PrefillProgress, Request, Sampled, Scheduler
from server.engine.state_folder import StateFolder, model_key
from server.engine.token_sampling import TokenSampling
from server.llm.generator import Message
from tests.server.engine.bare_loop import Answer, BareLoop
from tests.server.engine.stepping import take_step
from tests.server.llm.real_weights.conftest import CELLS, EXPIRE, FRANCE, MARKS, REPEAT, TEXT, TWICE, Loaded
from tests.tiny_gguf import TinyModel
from tests.tiny_lora import write_tiny_lora

pytestmark = MARKS

TIE = 0.5  # of log probability
NOISE = 0.15  # the mean; what reads other tokens than its own is at 1 and more
WITH_LOGPROBS = TokenSampling(logprobs=0)


def always_drafting(context: Context) -> Scheduler:
    """Every batch seems to take a second, so rows of drafts seem to cost nothing."""
    return Scheduler(context, slots=8, cells=CELLS, clock=itertools.count().__next__)


@pytest.fixture
def context(smol: Loaded) -> Iterator[Context]:
    context = Context(smol.model, smol.vocabulary, cells=CELLS, sequences=16, batch=128, threads=1)
    yield context
    context.close()


def ask(scheduler: Scheduler, *prompts: tuple[int, ...], count: int = 12) -> tuple[list[Answer], list[int]]:
    """Each prompt's answer, and how many of its tokens were cached."""
    for i, prompt in enumerate(prompts):
        scheduler.submit(Request(i, prompt, count, WITH_LOGPROBS, public=len(prompt)))
    picks = {i: list[tuple[int, float]]() for i in range(len(prompts))}
    cached, ended = dict.fromkeys(picks, 0), dict.fromkeys(picks, False)
    while scheduler.busy:
        for i, event in take_step(scheduler):
            assert not isinstance(event, Failed), event
            if isinstance(event, Sampled):
                picks[i].append((event.pick.token, event.pick.logprob))
            elif isinstance(event, PrefillProgress):
                cached[i] = event.cached
            elif isinstance(event, Finished):
                ended[i] = event.reason == "stop"
    answers = [
        Answer(tuple(token for token, _ in found), tuple(logprob for _, logprob in found), ended[i])
        for i, found in picks.items()
    ]
    return answers, list(cached.values())


def is_as_good(bare: BareLoop, prompt: tuple[int, ...], answer: Answer) -> bool:
    found = bare.difference(prompt, answer)
    return found.behind < TIE and found.mean < NOISE


@pytest.mark.parametrize("piece", [5, 64])
def test_alone_in_pieces_of_every_size(smol: Loaded, context: Context, piece: int) -> None:
    prompt = smol.encode(TEXT, EXPIRE)
    answers, _ = ask(Scheduler(context, slots=8, cells=CELLS, piece=piece, speculates=False), prompt)
    assert answers == [smol.bare.answer(prompt, 12)]
    assert answers[0].ended
    assert smol.text(answers[0].tokens) == "Unused days expire on 31 March."


def test_a_second_turn_that_goes_on_in_the_cache(smol: Loaded, context: Context) -> None:
    scheduler = Scheduler(context, slots=8, cells=CELLS, speculates=False)
    first = smol.encode(TEXT, EXPIRE)
    (answer,), _ = ask(scheduler, first)
    known = (*first, *answer.tokens)
    second = smol.encode(TEXT, EXPIRE, Message("assistant", smol.text(answer.tokens)), FRANCE)
    assert second[: len(known)] == known
    answers, cached = ask(scheduler, second)
    assert cached == [len(known)]
    assert answers == [smol.bare.answer(second, 12, range(len(first), len(known)))]


def test_another_question_about_the_same_text(smol: Loaded, context: Context) -> None:
    scheduler = Scheduler(context, slots=8, cells=CELLS, speculates=False)
    first, second = smol.encode(TEXT, EXPIRE), smol.encode(TEXT, FRANCE)
    ask(scheduler, first, count=1)
    (answer,), cached = ask(scheduler, second)
    assert cached[0] > 40
    assert is_as_good(smol.bare, second, answer)
    assert answer.tokens == smol.bare.answer(second, 12).tokens


def test_drafts(smol: Loaded, context: Context) -> None:
    scheduler = always_drafting(context)
    prompt = smol.encode(TEXT, TWICE)
    (answer,), _ = ask(scheduler, prompt, count=60)  # by then it repeats itself, whatever processor rounds how
    assert 0 < scheduler.accepted < scheduler.drafted
    assert is_as_good(smol.bare, prompt, answer)
    assert answer.tokens[:20] == smol.bare.answer(prompt, 20).tokens


def test_several_at_once_with_what_they_share_and_with_drafts(smol: Loaded, context: Context) -> None:
    scheduler = always_drafting(context)
    prompts = [smol.encode(TEXT, question) for question in (EXPIRE, FRANCE, REPEAT)]
    answers, cached = ask(scheduler, *prompts)
    assert sum(count > 40 for count in cached) == 2
    assert all(is_as_good(smol.bare, prompt, answer) for prompt, answer in zip(prompts, answers, strict=True))
    for prompt, answer in zip(prompts[:2], answers, strict=False):
        assert answer.tokens == smol.bare.answer(prompt, 12).tokens


def test_what_was_restored_from_the_disk(smol: Loaded, context: Context, tmp_path: Path) -> None:
    def started() -> tuple[Scheduler, HotPrefixes]:
        scheduler = Scheduler(context, slots=8, cells=CELLS, speculates=False)
        hot = HotPrefixes(StateFolder(tmp_path / "state", model_key([smol.path], [build()]), 1 << 30), context, 1 << 30)
        hot.load(scheduler.slots)
        return scheduler, hot

    scheduler, hot = started()
    ask(scheduler, smol.encode(TEXT, FRANCE), count=1)
    ask(scheduler, smol.encode(TEXT, REPEAT), count=1)
    hot.save(scheduler.slots)
    prompt = smol.encode(TEXT, EXPIRE)
    answers, cached = ask(started()[0], prompt)
    assert cached[0] > 40
    assert answers == [smol.bare.answer(prompt, 12)]


def test_what_was_moved_out_of_the_cache_and_back(
    smol: Loaded, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.engine.slots.IDLE_CELLS", 0)
    scheduler = Scheduler(context, slots=8, cells=CELLS, offload_cells=CELLS, speculates=False)
    first = smol.encode(TEXT, EXPIRE)
    (answer,), _ = ask(scheduler, first)
    ask(scheduler, smol.encode(FRANCE), count=1)
    assert scheduler.slots.offloaded.cells > len(first)
    second = smol.encode(TEXT, EXPIRE, Message("assistant", smol.text(answer.tokens)), FRANCE)
    (again,), cached = ask(scheduler, second)
    assert cached == [len(first) + len(answer.tokens)]
    assert is_as_good(smol.bare, second, again)
    assert again.tokens == smol.bare.answer(second, 12).tokens


def test_an_adapter_of_rank_two(smol: Loaded, tmp_path: Path) -> None:
    shape = TinyModel(architecture="llama", layers=30, width=576)
    adapters = [(smol.model.load_adapter(write_tiny_lora(tmp_path / "tone.gguf", shape)), 0.06)]
    context = Context(smol.model, smol.vocabulary, cells=CELLS, sequences=16, batch=128, threads=1, adapters=adapters)
    bare = BareLoop(smol.model, CELLS, adapters)
    prompt = smol.encode(TEXT, EXPIRE)
    answers, _ = ask(Scheduler(context, slots=8, cells=CELLS, speculates=False), prompt)
    assert answers == [bare.answer(prompt, 12)]
    assert answers[0].tokens != smol.bare.answer(prompt, 12).tokens
    context.close()
    bare.close()
