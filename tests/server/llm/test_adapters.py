"""LoRA adapters change what a model says, as strongly as they are told to; what is none is refused in words."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import llama_cpp
import pytest

from server.engine.memory_fit import ModelRefused
from server.llm.adapters import FOLDER, Adapter, adapters
from server.llm.generator import Message, Piece, Sampling
from server.llm.local import LocalGenerator
from server.settings import ServerSettings
from tests.tiny_gguf import TinyModel, write_tiny_gguf
from tests.tiny_lora import write_tiny_lora

MODEL = TinyModel(ends=False)
QUESTION = [Message("user", "what is the one")]


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    for name in ("models", FOLDER):
        (tmp_path / name).mkdir()
    write_tiny_gguf(tmp_path / "models" / "tiny.gguf", MODEL)
    write_tiny_lora(tmp_path / FOLDER / "tone.gguf", MODEL)
    write_tiny_lora(tmp_path / FOLDER / "law.gguf", MODEL, seed=8)
    return ServerSettings(data=tmp_path, threads=1)


def answer(settings: ServerSettings, lora: str) -> str:
    """What the model says; or why it says nothing."""

    async def ask() -> str:
        path = settings.models_path / "tiny.gguf"
        generator = LocalGenerator(path, settings.model_copy(update={"lora": lora}))
        generator.start()
        while generator.state.state == "loading":  # noqa: ASYNC110 (the seam is polled)
            await asyncio.sleep(0.005)
        try:
            if generator.state.state == "failed":
                return generator.state.detail
            events = [event async for event in generator.generate(QUESTION, Sampling(max_tokens=20))]
            return "".join(event.text for event in events if isinstance(event, Piece))
        finally:
            await generator.aclose()

    return asyncio.run(ask())


def test_an_adapter_changes_the_words_by_its_scale_and_zero_is_none(settings: ServerSettings) -> None:
    said = {
        lora: answer(settings, lora)
        for lora in ("", "tone.gguf", "tone.gguf=0", "tone.gguf=0.5", "tone.gguf, law.gguf")
    }
    assert said["tone.gguf=0"] == said[""]
    assert len({said[""], said["tone.gguf"], said["tone.gguf=0.5"], said["tone.gguf, law.gguf"]}) == 4
    assert answer(settings, "law.gguf=1, tone.gguf=1.0") == said["tone.gguf, law.gguf"]


def test_tokens_are_those_of_llama_cpp_with_the_same_adapter(settings: ServerSettings) -> None:
    path = settings.data / FOLDER / "tone.gguf"
    reference = llama_cpp.Llama(
        str(settings.models_path / "tiny.gguf"), n_ctx=512, n_threads=1, verbose=False, lora_path=str(path)
    )
    whole = reference.create_chat_completion(
        [{"role": "user", "content": QUESTION[0].content}], max_tokens=20, temperature=0.0
    )
    said = answer(settings, str(path)).replace("\ufffd", "")  # the package leaves half characters out
    assert said == whole["choices"][0]["message"]["content"].removeprefix(" ")


def test_files_and_scales_are_read_from_the_setting(settings: ServerSettings, tmp_path: Path) -> None:
    folder = settings.data / FOLDER
    odd = write_tiny_lora(tmp_path / "a=b.gguf", MODEL)
    chosen = adapters(settings.model_copy(update={"lora": f"tone.gguf=-0.25,{odd}, {odd}=2, law.gguf=0,"}))
    assert chosen == (Adapter(folder / "tone.gguf", -0.25), Adapter(odd, 1.0), Adapter(odd, 2.0))
    assert adapters(settings) == ()
    for scale in ("nan", "inf"):
        with pytest.raises(ModelRefused, match="no number"):
            adapters(settings.model_copy(update={"lora": f"tone.gguf={scale}"}))


def missing(path: Path) -> None:
    path.unlink()


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-700])


def cut_by_a_little(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def cut_in_its_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:60])


def junk(path: Path) -> None:
    path.write_bytes(b"no adapter " * 50)


def of_another_architecture(path: Path) -> None:
    write_tiny_lora(path, TinyModel(architecture="llama"))


def of_another_shape(path: Path) -> None:
    write_tiny_lora(path, TinyModel(width=64))


def of_more_layers(path: Path) -> None:
    write_tiny_lora(path, TinyModel(layers=3))


def a_model(path: Path) -> None:
    write_tiny_gguf(path, MODEL)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (missing, "cannot be read"),
        (truncated, "incomplete"),
        (cut_by_a_little, "damaged"),
        (cut_in_its_header, "incomplete"),
        (junk, "not a GGUF"),
        (of_another_architecture, "architecture llama"),
        (of_another_shape, "another model"),
        (of_more_layers, "another model"),
        (a_model, "no LoRA adapter but a model"),
    ],
)
def test_what_is_no_adapter_for_this_model_is_refused(
    settings: ServerSettings, spoil: Callable[[Path], None], says: str
) -> None:
    spoil(settings.data / FOLDER / "tone.gguf")
    detail = answer(settings, "tone.gguf")
    assert says in detail
    assert "tone.gguf" in detail
    assert "DOCENT_LORA" in detail


def test_an_adapter_in_the_place_of_a_model_says_what_it_is(settings: ServerSettings) -> None:
    write_tiny_lora(settings.models_path / "tiny.gguf", MODEL)
    detail = answer(settings, "")
    assert "is a LoRA adapter" in detail
    assert "DOCENT_LORA" in detail
