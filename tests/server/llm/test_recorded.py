"""Greedy answers are generated once: what is kept, what is not, and what tells one from another."""

import asyncio
import json
import logging
import tempfile
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import StartError
from server.errors import ContextTooLong
from server.llm.choose import open_generator
from server.llm.generator import (
    Completed,
    GenerationEvent,
    Generator,
    Message,
    Piece,
    Sampling,
    TokenLogprob,
    Usage,
)
from server.llm.recorded import RecordedGenerator, _read, _write, model_identity
from server.settings import ServerSettings
from tests.server.fakes import ScriptedGenerator
from tests.server.llm.test_local import loaded
from tests.tiny_gguf import TinyModel, write_tiny_gguf

QUESTION = (Message("system", "Be brief."), Message("user", "How long is the leave?"))
GREEDY = Sampling(max_tokens=12)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "recordings"


async def asked(
    generator: Generator, messages: Sequence[Message] = QUESTION, sampling: Sampling = GREEDY
) -> list[GenerationEvent]:
    return [event async for event in generator.generate(messages, sampling)]


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def said(events: Sequence[GenerationEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Piece))


async def test_the_second_time_nothing_is_generated_and_the_answer_is_the_same(folder: Path) -> None:
    model = ScriptedGenerator()
    first = await asked(RecordedGenerator(model, folder, "one"))
    again = await asked(RecordedGenerator(model, folder, "one"))  # another process, as it were
    assert again == first
    assert len(model.prompts) == 1


async def test_log_probabilities_are_kept(folder: Path) -> None:
    model = ScriptedGenerator()
    first = await asked(RecordedGenerator(model, folder), sampling=replace(GREEDY, logprobs=1))
    again = await asked(RecordedGenerator(model, folder), sampling=replace(GREEDY, logprobs=1))
    assert again == first
    assert any(event.logprobs for event in again if isinstance(event, Piece))
    assert len(model.prompts) == 1


@pytest.mark.parametrize(
    ("messages", "sampling", "model"),
    [
        (QUESTION[1:], GREEDY, "one"),
        ((QUESTION[0], Message("user", "How long is leave?")), GREEDY, "one"),
        ((Message("user", "Be brief."), QUESTION[1]), GREEDY, "one"),
        (QUESTION, replace(GREEDY, max_tokens=11), "one"),
        (QUESTION, replace(GREEDY, stop=("\n",)), "one"),
        (QUESTION, replace(GREEDY, json_schema={}), "one"),
        (QUESTION, replace(GREEDY, logprobs=2), "one"),
        (QUESTION, replace(GREEDY, repeat_penalty=1.1), "one"),
        (QUESTION, GREEDY, "another"),
        (QUESTION, GREEDY, ""),
    ],
)
async def test_another_question_is_another_answer(
    messages: tuple[Message, ...], sampling: Sampling, model: str, folder: Path
) -> None:
    generator = ScriptedGenerator()
    await asked(RecordedGenerator(generator, folder, "one"))
    await asked(RecordedGenerator(generator, folder, model), messages, sampling)
    assert len(generator.prompts) == 2


async def test_what_is_drawn_by_chance_is_generated_each_time(folder: Path) -> None:
    model = ScriptedGenerator()
    generator = RecordedGenerator(model, folder)
    for _ in range(2):
        await asked(generator, sampling=replace(GREEDY, temperature=0.5))
    assert len(model.prompts) == 2
    assert names(folder) == []


async def test_less_room_than_was_asked_for_tells_answers_apart_and_more_does_not(folder: Path) -> None:
    tokens = ScriptedGenerator().count(QUESTION)
    for context, generated in ((tokens + 12, 1), (tokens + 4000, 1), (tokens + 11, 2)):
        model = ScriptedGenerator(context=context)
        await asked(RecordedGenerator(model, folder, "one"))
        assert len(names(folder)) == generated
    with pytest.raises(ContextTooLong):
        await asked(RecordedGenerator(ScriptedGenerator(context=tokens), folder, "one"))


async def test_a_stopped_answer_is_not_kept(folder: Path) -> None:
    model = ScriptedGenerator()
    generator = RecordedGenerator(model, folder)
    async with aclosing(generator.generate(QUESTION, GREEDY)) as events:
        async for event in events:
            if isinstance(event, Piece):
                break
    assert model.closed.is_set()
    assert names(folder) == []


async def test_an_answer_is_kept_though_nobody_waits_for_what_comes_behind_its_end(folder: Path) -> None:
    model = ScriptedGenerator()
    async with aclosing(RecordedGenerator(model, folder).generate(QUESTION, GREEDY)) as events:
        async for event in events:
            if isinstance(event, Completed):
                break
    await asked(RecordedGenerator(model, folder))
    assert len(model.prompts) == 1


async def test_an_answer_that_broke_is_not_kept(folder: Path) -> None:
    with pytest.raises(RuntimeError, match="the model broke"):
        await asked(RecordedGenerator(ScriptedGenerator(fails_after=2), folder))
    assert names(folder) == []


async def test_another_chat_template_is_noticed_by_the_length_of_the_prompt(folder: Path) -> None:
    class Longer(ScriptedGenerator):
        def count_text(self, text: str) -> int:
            return 1 + super().count_text(text)

    model = Longer()
    await asked(RecordedGenerator(ScriptedGenerator(), folder, "one"))
    await asked(RecordedGenerator(model, folder, "one"))
    await asked(RecordedGenerator(model, folder, "one"))
    assert len(model.prompts) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: b"",
        lambda kept: kept[: len(kept) // 2],
        lambda kept: b"[]",
        lambda kept: b"\xff\xfe",
        lambda kept: kept.replace(b'"stop"', b'"whim"'),
        lambda kept: kept.replace(b'"prompt_tokens"', b'"prompts"'),
        lambda kept: json.dumps(json.loads(kept) | {"pieces": [["a"]]}).encode(),
        lambda kept: json.dumps(json.loads(kept) | {"pieces": None}).encode(),
    ],
)
def test_a_damaged_recording_is_made_anew(
    damage: Callable[[bytes], bytes], folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = ScriptedGenerator()
    first = asyncio.run(asked(RecordedGenerator(model, folder)))
    (path,) = folder.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level(logging.WARNING):
        assert asyncio.run(asked(RecordedGenerator(model, folder))) == first
    assert "is generated anew" in caplog.text
    assert asyncio.run(asked(RecordedGenerator(model, folder))) == first
    assert len(model.prompts) == 2


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    generator = RecordedGenerator(ScriptedGenerator(), folder)
    folder.rmdir()
    with caplog.at_level(logging.WARNING):
        assert said(asyncio.run(asked(generator))) == "Employees have 25 days of annual leave [1]."
    assert "could not be recorded" in caplog.text


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="cannot be made"):
        RecordedGenerator(ScriptedGenerator(), tmp_path / "file" / "recordings")


def test_what_people_asked_is_for_their_owner_alone(folder: Path) -> None:
    RecordedGenerator(ScriptedGenerator(), folder)
    assert folder.stat().st_mode & 0o077 == 0


texts = st.text(st.characters(codec=None))
logprobs = st.tuples(
    texts, st.floats(allow_nan=False), st.lists(st.tuples(texts, st.floats(allow_nan=False)), max_size=2)
)


@given(st.lists(st.tuples(texts, st.lists(logprobs, max_size=2)), max_size=4), texts)
def test_any_text_comes_back_as_it_was(
    pieces: list[tuple[str, list[tuple[str, float, list[tuple[str, float]]]]]], question: str
) -> None:
    events = [
        Piece(text, tuple(TokenLogprob(token, value, tuple(top)) for token, value, top in tokens))
        for text, tokens in pieces
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "recording.json")
        _write(path, [Message("user", question)], 3, [*events, Completed("length", Usage(3, 2, 1))])
        kept = _read(path, 3)
    assert kept is not None
    assert kept[1:] == [*events, Completed("length", Usage(3, 2, 1))]


# Which model


def test_a_model_is_told_by_what_is_in_its_file(tmp_path: Path) -> None:
    one, same, other = (tmp_path / name for name in ("one", "same", "other"))
    one.write_bytes(bytes(1 << 20))
    same.write_bytes(bytes(1 << 20))
    other.write_bytes(bytes((1 << 20) - 1) + b"1")
    assert model_identity([one], ["build"]) == model_identity([same], ["build"])
    told_apart = [([one], ["build"]), ([other], ["build"]), ([one], ["other"]), ([one, same], ["build"])]
    assert len({model_identity(files, settings) for files, settings in told_apart}) == 4


async def opened(settings: ServerSettings) -> Generator:
    generator = open_generator(settings)
    assert isinstance(generator, RecordedGenerator)
    await loaded(generator)  # type: ignore[arg-type]
    assert generator.state.state == "ready", generator.state
    return generator


async def test_another_file_of_the_same_name_answers_for_itself(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "model.gguf"
    settings = ServerSettings(data=tmp_path / "data", model=str(path), threads=1, recordings=str(folder))
    answers = []
    for seed in (1, 1, 2):
        write_tiny_gguf(path, TinyModel(seed=seed, ends=False))
        generator = await opened(settings)
        answers.append(await asked(generator, [Message("user", "what is it")]))
        await generator.aclose()
    assert said(answers[0]) == said(answers[1]) != said(answers[2])
    assert len(names(folder)) == 2


def test_without_the_setting_nothing_is_kept(tmp_path: Path) -> None:
    assert open_generator(ServerSettings(data=tmp_path, model="")) is None
    assert open_generator(ServerSettings(data=tmp_path, model="", recordings=str(tmp_path / "kept"))) is None
    assert not (tmp_path / "kept").exists()
