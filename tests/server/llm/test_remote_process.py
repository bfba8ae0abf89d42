"""The generator over the real `llama_cpp.server`, a process of its own that can be stopped, resumed and killed."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.app import Parts
from server.errors import Unavailable
from server.llm.generator import Completed, Message, Piece, Sampling
from server.settings import ServerSettings
from tests.server.fakes import HANDBOOK, fill, open_fake_retriever, serving
from tests.server.llm.remote_client import QUESTION, becomes, collect, remote, text
from tests.tiny_gguf import TinyModel, write_tiny_gguf

START = 120  # seconds; it imports for some ten on a busy machine
BYTES = range(3, 259)  # tokens that are half characters: that server holds all text back after one that stays half
LONG = Sampling(max_tokens=400, logit_bias=tuple((token, -100.0) for token in BYTES))


class LlamaCppServer:
    """`python -m llama_cpp.server` with a tiny model, always on the same port."""

    def __init__(self, model: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._model = model
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "llama_cpp.server", "--model", str(self._model), "--n_ctx", "512"]
        more = ["--n_threads", "1", "--port", str(self.port), "--model_alias", "tiny"]
        process = subprocess.Popen([*command, *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if httpx.get(f"{self.url}/models", timeout=5).status_code == 200:
                    return process
            except httpx.HTTPError:
                time.sleep(0.1)
        process.kill()
        raise TimeoutError("llama_cpp.server did not start")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        self.process = self._start()


@pytest.fixture(scope="module")
def llama_cpp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaCppServer]:
    server = LlamaCppServer(write_tiny_gguf(tmp_path_factory.mktemp("remote") / "tiny.gguf", TinyModel(ends=False)))
    yield server
    server.kill()


async def test_it_answers_as_the_server_does_unstreamed(llama_cpp_server: LlamaCppServer) -> None:
    async with remote(llama_cpp_server.url) as generator:
        assert generator.name == "tiny"
        events = await collect(generator, Sampling(max_tokens=20))
    body: dict[str, Any] = {
        "messages": [{"role": message.role, "content": message.content} for message in QUESTION],
        "max_tokens": 20,
        "temperature": 0,
    }
    async with httpx.AsyncClient(timeout=60) as client:
        whole = (await client.post(f"{llama_cpp_server.url}/chat/completions", json=body)).json()
    assert text(events) == whole["choices"][0]["message"]["content"]
    done = events[-1]
    assert isinstance(done, Completed)
    assert done.reason == "length"
    assert 0 < done.usage.completion_tokens <= 20


async def test_stop_strings_json_and_penalties_reach_it(llama_cpp_server: LlamaCppServer) -> None:
    async with remote(llama_cpp_server.url) as generator:
        plain = text(await collect(generator, Sampling(max_tokens=30)))
        stopped = await collect(generator, Sampling(max_tokens=30, stop=(plain[3:6],)))
        assert text(stopped) == plain[: plain.index(plain[3:6])]
        penalised = await collect(generator, Sampling(max_tokens=30, repeat_penalty=10.0, presence_penalty=2.0))
        assert text(penalised) != plain
        schema = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}
        shaped = text(await collect(generator, Sampling(max_tokens=60, json_schema=schema)))
        assert isinstance(json.loads(shaped)["a"], bool)


async def test_a_prompt_over_its_context_is_an_error_of_that_question(llama_cpp_server: LlamaCppServer) -> None:
    async with remote(llama_cpp_server.url) as generator:
        with pytest.raises(Unavailable, match="DOCENT_CONTEXT"):  # it breaks its stream off before the first word
            async for _ in generator.generate([Message("user", "the one of it " * 500)], Sampling()):
                pass
        assert text(await collect(generator, Sampling(max_tokens=4)))


async def test_a_server_that_hangs_in_mid_stream_and_goes_on_later(llama_cpp_server: LlamaCppServer) -> None:
    async with remote(llama_cpp_server.url, silence=5) as generator:
        answer = generator.generate(QUESTION, LONG)
        assert isinstance(await anext(answer), Piece)
        llama_cpp_server.process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(Unavailable, match="did not answer in time"):
                async for _ in answer:
                    pass
            await becomes(generator, "failed")
        finally:
            llama_cpp_server.process.send_signal(signal.SIGCONT)
        await becomes(generator, "ready")
        assert text(await collect(generator, Sampling(max_tokens=4)))


async def test_a_server_that_dies_in_mid_stream_and_comes_back(llama_cpp_server: LlamaCppServer) -> None:
    async with remote(llama_cpp_server.url) as generator:
        answer = generator.generate(QUESTION, LONG)
        assert isinstance(await anext(answer), Piece)
        llama_cpp_server.kill()
        try:
            with pytest.raises(Unavailable, match=r"127\.0\.0\.1"):
                async for _ in answer:
                    pass
            await becomes(generator, "failed")
            with pytest.raises(Unavailable, match="cannot be reached"):
                await collect(generator)
        finally:
            llama_cpp_server.restart()
        await becomes(generator, "ready")
        assert text(await collect(generator, Sampling(max_tokens=4)))


def test_answers_go_through_it_and_are_quotes_while_it_is_down(
    llama_cpp_server: LlamaCppServer, tmp_path: Path
) -> None:
    settings = ServerSettings(data=tmp_path, generator_url=llama_cpp_server.url, max_answer_tokens=16, context=512)
    fill(settings, {"handbook": HANDBOOK})
    question = {"model": "docent", "messages": [{"role": "user", "content": "How many days of annual leave?"}]}
    with (
        serving(settings, Parts(open_retriever=open_fake_retriever)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):

        def mode() -> str:
            answer = client.post("/v1/chat/completions", json=question)
            assert answer.status_code == 200, answer.text
            return "model" if answer.json()["usage"]["completion_tokens"] else "extractive"  # it writes noise

        def wait_until_ready(*, ready: bool) -> None:
            deadline = time.monotonic() + START
            while (client.get("/readyz").status_code == 200) is not ready and time.monotonic() < deadline:
                time.sleep(0.05)

        wait_until_ready(ready=True)
        assert mode() == "model"
        llama_cpp_server.kill()
        try:
            wait_until_ready(ready=False)
            assert mode() == "extractive"
        finally:
            llama_cpp_server.restart()
        wait_until_ready(ready=True)
        assert mode() == "model"
