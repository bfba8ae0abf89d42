"""The shapes of the Phi family load, keep to their context and answer token for token as llama_cpp.Llama."""

import logging
import re
from pathlib import Path

import llama_cpp
import pytest

from server.engine.gguf_header import read_header
from server.engine.llama import Context, Model
from server.engine.memory_fit import SLACK, Wanted, compute_bytes, context_limit, fit_model, kv_bytes_per_token
from server.engine.scheduler import Failed, Request, Sampled, Scheduler
from server.engine.vocabulary import Vocabulary
from tests.server.engine.stepping import take_step
from tests.tiny_gguf import TinyModel, write_tiny_gguf

SHAPES = {
    "mini-4k": TinyModel(ends=False),
    "mini-128k": TinyModel(ends=False, trained_context=128),  # and Phi-3.5-mini
    "medium": TinyModel(ends=False, width=64, heads=4, kv_heads=1),
    "phi-2": TinyModel(architecture="phi2", ends=False, rope_share=2),  # and phi-1, phi-1.5
    "3.5-moe": TinyModel(architecture="phimoe", ends=False, width=64, heads=4, kv_heads=1, trained_context=128),
    "4-mini": TinyModel(ends=True, heads=2, width=64, kv_heads=1, rope_share=2, trained_context=128, has_output=False),
}
COUNT = 12  # tokens


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("words", [3, 100])  # below and beyond the trained context of the stretched ones
def test_it_answers_as_llama_cpp_does(tmp_path: Path, name: str, words: int) -> None:
    path = write_tiny_gguf(tmp_path / "tiny.gguf", SHAPES[name])
    model = Model(path)
    vocabulary = Vocabulary(model)
    prompt = (vocabulary.bos, *vocabulary.tokenize("the one of it " * words))
    assert len(prompt) < 512 - COUNT
    reference = llama_cpp.Llama(str(path), n_ctx=512, n_threads=1, verbose=False)
    wanted: list[int] = []
    for token in reference.generate(list(prompt), temp=0.0):
        if len(wanted) == COUNT or vocabulary.is_end(token):
            break
        wanted.append(token)

    context = Context(model, vocabulary, cells=512, sequences=2, batch=72, threads=1)
    scheduler = Scheduler(context, slots=2, cells=512)
    scheduler.submit(Request(1, prompt, COUNT))
    found: list[int] = []
    while scheduler.busy:
        for _, event in take_step(scheduler):
            assert not isinstance(event, Failed), event
            if isinstance(event, Sampled):
                found.append(event.pick.token)
    context.close()
    assert found == wanted
    assert found


def answer(context: Context, prompt: tuple[int, ...], cells: int) -> list[int]:
    scheduler = Scheduler(context, slots=2, cells=cells)
    scheduler.submit(Request(1, prompt, COUNT))
    events = [event for _ in iter(lambda: scheduler.busy, False) for _, event in take_step(scheduler)]
    return [event.pick.token for event in events if isinstance(event, Sampled)]


def test_more_cells_than_the_trained_length_leave_short_conversations_as_they_were(tmp_path: Path) -> None:
    path = write_tiny_gguf(tmp_path / "tiny.gguf", TinyModel(ends=False, trained_context=256))
    reference = llama_cpp.Llama(str(path), n_ctx=256, n_threads=1, verbose=False)
    fit = fit_model(read_header(path), Wanted(256), 4 << 30)
    assert fit.cells > fit.context == 256
    found = {}
    for rope_length in (fit.rope_length, 0):
        model = Model(path, rope_length=rope_length)
        vocabulary = Vocabulary(model)
        prompt = (vocabulary.bos, *vocabulary.tokenize("the one of it and the other of them " * 3))
        context = Context(model, vocabulary, cells=fit.cells, sequences=2, batch=72, threads=1)
        found[rope_length] = answer(context, prompt, fit.cells)
        context.close()
    wanted = [token for token, _ in zip(reference.generate(list(prompt), temp=0.0), range(COUNT), strict=False)]
    assert found[fit.rope_length] == wanted
    assert found[0] != wanted  # what the length is set for


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("cells", [512, 8192])
def test_llama_cpp_s_own_buffers_are_not_larger_than_was_decided(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, cells: int
) -> None:
    path = write_tiny_gguf(tmp_path / "tiny.gguf", SHAPES[name])
    model = Model(path)
    with caplog.at_level(logging.DEBUG, "docent.llama"):
        Context(model, Vocabulary(model), cells=cells, sequences=56, batch=72, threads=1).close()
    sizes = dict(re.findall(r"CPU +(KV|compute|output) buffer size = +([0-9.]+) MiB", caplog.text))
    header = read_header(path)
    assert float(sizes["KV"]) == pytest.approx(kv_bytes_per_token(header) * cells / 2**20, abs=0.01)
    assert float(sizes["compute"]) + float(sizes["output"]) < (compute_bytes(header, 112, cells) - SLACK) / 2**20 + 1


def test_the_context_and_the_cache_are_read_from_each_shape(tmp_path: Path) -> None:
    headers = {name: read_header(write_tiny_gguf(tmp_path / f"{name}.gguf", shape)) for name, shape in SHAPES.items()}
    assert {name: context_limit(header) for name, header in headers.items()} == dict.fromkeys(SHAPES, 512)
    cached = {name: kv_bytes_per_token(header) for name, header in headers.items()}
    assert cached == {"mini-4k": 256, "mini-128k": 256, "medium": 128, "phi-2": 256, "3.5-moe": 128, "4-mini": 256}
    assert fit_model(headers["medium"], Wanted(10_000), 1 << 30).context == 512
