"""Stitched passages with real weights: near the full read where they are moved, the same where they are not."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from server.engine.cell_state import CellState, Rotation, State
from server.engine.gguf_header import read_header
from server.engine.llama import Context
from server.engine.rotating import rotation_of, turns_as
from server.engine.scheduler import Request, Row, Sampled, Scheduler
from server.engine.slots import ReadPassage
from server.engine.token_sampling import TokenSampling
from server.llm.generator import Message, PassageSpan
from server.llm.prompt_tokens import PromptTokenizer
from tests.server.engine.stepping import take_step
from tests.server.llm.real_weights.conftest import CELLS, MARKS, Loaded

pytestmark = MARKS

SYSTEM = Message("system", "Answer the question from the passages.")
LEAD = "Passages:\n\n[1]"
TEXTS = [
    " Handbook › Leave\n Everyone gets 25 days of leave a year. Unused days expire on 31 March.\n\n",
    " Handbook › Travel\n Trains are booked in second class. Receipts are handed in within thirty days.\n\n",
    " Handbook › Claims\n Claims are paid within ten working days, on the account that is in the contract.\n\n",
]
QUESTION = "Question: When do unused days of leave expire?"
NEAR = 0.6  # nats; SmolLM2 has .23 to .36 here
LIKELY = 200  # tokens of a distribution that are compared


@pytest.fixture
def context(smol: Loaded) -> Iterator[Context]:
    context = Context(smol.model, smol.vocabulary, cells=CELLS, sequences=16, batch=72, threads=1)
    yield context
    context.close()


@pytest.fixture(scope="module")
def rotation(smol: Loaded) -> Rotation:
    found = rotation_of(read_header(smol.path), *smol.model.rope)
    assert found is not None
    return found


def message(texts: Sequence[str]) -> Message:
    content, spans = LEAD, []
    for n, text in enumerate(texts, start=2):
        spans.append(PassageSpan(len(content), len(content) + len(text), "", LEAD))
        content += text + (f"[{n}]" if n <= len(texts) else "")
    return Message("user", content + QUESTION, passages=tuple(spans))


def alone(smol: Loaded, context: Context, text: str) -> State:
    """A passage read behind the system text, and nothing else."""
    tokens, ((start, end, _),) = PromptTokenizer(smol.vocabulary).encode_passages(
        smol.template.render([SYSTEM, message([text])])
    )
    for first in range(0, end, 64):
        context.decode([Row(tokens[i], i, 0, False) for i in range(first, min(first + 64, end))])
    data = context.read_state(0)
    context.truncate(0, 0)
    return CellState(data).alone(start)


def answer(
    scheduler: Scheduler, prompt: tuple[int, ...], passages: tuple[ReadPassage, ...] = ()
) -> tuple[list[int], dict[int, float]]:
    """The answer's tokens, and log probabilities of the likeliest first ones."""
    fork = passages[0].start if passages else None
    scheduler.submit(Request(1, prompt, 12, TokenSampling(logprobs=LIKELY), passages=passages, fork=fork))
    picks = []
    while scheduler.busy:
        picks += [event.pick for _, event in take_step(scheduler) if isinstance(event, Sampled)]
    return [pick.token for pick in picks], dict(picks[0].top)


def divergence(of: dict[int, float], to: dict[int, float]) -> float:
    """Kullback-Leibler's, in nats, over the tokens that both have."""
    return sum(math.exp(of[token]) * (of[token] - to[token]) for token in of.keys() & to.keys())


def stitched(
    smol: Loaded, context: Context, rotation: Rotation, texts: Sequence[str]
) -> tuple[tuple[int, ...], tuple[ReadPassage, ...]]:
    tokens, placed = PromptTokenizer(smol.vocabulary).encode_passages(smol.template.render([SYSTEM, message(texts)]))
    states = [alone(smol, context, text) for text in texts]
    return tuple(tokens), tuple(
        ReadPassage(start, end, lambda data=data, to=start: CellState(data).moved(rotation, start=0, to=to))  # type: ignore[misc]
        for data, (start, end, _) in zip(states, placed, strict=True)
    )


def test_the_models_keys_turn_as_we_turn_them(smol: Loaded, context: Context, rotation: Rotation) -> None:
    assert turns_as(context, rotation, smol.vocabulary.tokenize("leave")[0], 900)
    wrong = Rotation(rotation.dims, rotation.head, rotation.base * 1.02, rotation.scale, halves=rotation.halves)
    assert not turns_as(context, wrong, smol.vocabulary.tokenize("leave")[0], 900)
    assert context.state_size(0) < 200, "the cache is empty again"


def test_one_passage_is_what_a_full_read_makes_of_it(smol: Loaded, context: Context, rotation: Rotation) -> None:
    prompt, passages = stitched(smol, context, rotation, TEXTS[:1])
    scheduler = Scheduler(context, slots=2, cells=CELLS, speculates=False)
    full, likely = answer(scheduler, prompt)
    scheduler.slots.clear()
    ours, as_likely = answer(scheduler, prompt, passages)
    assert ours == full
    assert abs(divergence(likely, as_likely)) < 0.001


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_moved_passages_are_near_a_full_read(
    smol: Loaded, context: Context, rotation: Rotation, order: tuple[int, ...]
) -> None:
    texts = [TEXTS[i] for i in order]
    prompt, passages = stitched(smol, context, rotation, texts)
    scheduler = Scheduler(context, slots=2, cells=CELLS, speculates=False)
    _, likely = answer(scheduler, prompt)
    scheduler.slots.clear()
    _, as_likely = answer(scheduler, prompt, passages)
    assert divergence(likely, as_likely) < NEAR


def test_a_whole_prompt_that_is_moved_goes_on_as_where_it_was(
    smol: Loaded, context: Context, rotation: Rotation
) -> None:
    """Attention sees how far apart tokens are, and nothing else of their positions."""
    *prompt, last = smol.encode(SYSTEM, message(TEXTS))
    for first in range(0, len(prompt), 64):
        context.decode([Row(t, first + i, 0, False) for i, t in enumerate(prompt[first : first + 64])])
    state = CellState(context.read_state(0))
    found = []
    for sequence, turn in enumerate((rotation, rotation, replace(rotation, scale=0.0)), start=1):
        to = 600 if sequence > 1 else 0
        assert context.write_state(sequence, state.moved(turn, start=0, to=to))
        assert context.decode([Row(last, to + len(prompt), sequence, True)])
        scores = context.logits(0).astype(np.float64)
        found.append(scores - np.logaddexp.reduce(scores))
    here, there, unturned = found
    assert np.exp(here) @ (here - there) < 0.05  # .014
    assert np.exp(here) @ (here - unturned) > 1, "the same positions with keys of others"
