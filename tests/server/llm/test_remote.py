"""The generator over another server: a scripted one on a real socket, well behaved, hanging, dying, sending garbage."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from indexer.errors import StartError
from server.app import Parts
from server.errors import BadRequest, RequestError, TooBusy, Unavailable
from server.llm.choose import open_generator
from server.llm.generator import Completed, Piece, Sampling, TokenLogprob, Usage
from server.llm.local import LocalGenerator
from server.llm.remote import RemoteGenerator, estimate_tokens, remote_address
from server.settings import ServerSettings
from tests.server.fakes import HANDBOOK, fill, open_fake_retriever, serving
from tests.server.llm.remote_client import QUESTION, WAIT, becomes, collect, remote, text
from tests.server.llm.scripted_api import DONE, ScriptedApi, event, scripted_api
from tests.tiny_gguf import write_tiny_gguf

JSON = {"response_format": {"type": "json_object"}}


async def test_it_streams_and_says_what_was_used() -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}
    parts = [event("Hello"), event(" you"), event(reason="length", usage=usage), DONE]
    with scripted_api(ScriptedApi(parts=parts)) as api:
        async with remote(api.url) as generator:
            assert generator.name == "phi"
            assert generator.context == 2048
            assert generator.count(QUESTION) == estimate_tokens("Be brief.") + estimate_tokens("What is new?") + 16
            events = await collect(generator)
    assert text(events) == "Hello you"
    assert events[-1] == Completed("length", Usage(12, 2, 4))


async def test_it_asks_as_it_was_told() -> None:
    with scripted_api(ScriptedApi()) as api:
        async with remote(api.url, generator_key="secret", generator_model="other", context=1000) as generator:
            sampling = Sampling(
                10**9, 0.5, 0.9, 7, ("END",), {"type": "object"}, 3, 40, 0.1, 1.1, 0.2, 0.3, ((5, -1.0),)
            )
            await collect(generator, sampling)
            assert generator.context == 1000
            assert "secret" not in repr(generator) + str(generator.state)
    (body,) = api.requests
    assert body.pop("max_tokens") == 1000 - generator_estimate()
    assert body.pop("response_format")["json_schema"]["schema"] == {"type": "object"}
    assert body == {
        "model": "other",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is new?"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "min_p": 0.1,
        "repeat_penalty": 1.1,
        "repetition_penalty": 1.1,
        "presence_penalty": 0.2,
        "frequency_penalty": 0.3,
        "logit_bias": {"5": -1.0},
        "seed": 7,
        "stop": ["END"],
        "logprobs": True,
        "top_logprobs": 3,
    }
    assert set(api.keys) == {"Bearer secret"}


def generator_estimate() -> int:
    return sum(estimate_tokens(message.content) + 8 for message in QUESTION)


async def test_a_stop_string_that_the_server_lets_through_is_cut() -> None:
    with scripted_api(ScriptedApi(parts=[event("one EN"), event("D two"), event("three")], hangs=True)) as api:
        async with remote(api.url) as generator:
            events = await collect(generator, Sampling(stop=("END",)))
            assert await asyncio.to_thread(api.left.wait, WAIT)
    assert text(events) == "one "
    assert isinstance(events[-1], Completed)


async def test_closing_the_answer_closes_the_connection() -> None:
    with scripted_api(ScriptedApi(parts=[event("Hello")], hangs=True)) as api:
        async with remote(api.url) as generator:
            answer = generator.generate(QUESTION, Sampling())
            assert await anext(answer) == Piece("Hello")
            await answer.aclose()  # type: ignore[attr-defined]
            assert await asyncio.to_thread(api.left.wait, WAIT)


async def test_cancelling_before_the_first_piece_closes_the_connection() -> None:
    with scripted_api(ScriptedApi(parts=[], hangs=True)) as api:
        async with remote(api.url) as generator:
            task = asyncio.create_task(collect(generator))
            async with asyncio.timeout(WAIT):
                while not api.requests:  # noqa: ASYNC110 (the server is a thread)
                    await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(api.left.wait, WAIT)


async def test_a_server_that_hangs_is_given_up() -> None:
    with scripted_api(ScriptedApi(parts=[event("Hel")], hangs=True)) as api:
        async with remote(api.url, silence=0.2) as generator:
            with pytest.raises(Unavailable, match="did not answer in time"):
                await collect(generator)


@pytest.mark.parametrize(
    "api",
    [
        ScriptedApi(parts=[event("Hel")], dies=True),
        ScriptedApi(parts=[], dies=True),
        ScriptedApi(parts=[event("Hel")]),  # ends as if all were well, without a reason
        ScriptedApi(parts=[]),
        ScriptedApi(parts=[event("Hel"), DONE]),  # how llama_cpp.server ends an answer when another request comes
        ScriptedApi(parts=[b"<html>busy</html>\n"]),
        ScriptedApi(parts=[b"\xff\xfe\x00 no events\n"]),
        ScriptedApi(parts=[event("Hel"), b'data: {"error": {"message": "out of memory"}}\n']),
        ScriptedApi(parts=[b"x" * 100_000] * 12),
    ],
)
async def test_an_answer_that_breaks_off_or_is_garbage_is_an_error_and_the_next_one_works(api: ScriptedApi) -> None:
    with scripted_api(api):
        async with remote(api.url) as generator:
            with pytest.raises(Unavailable) as caught:
                await collect(generator)
            assert "127.0.0.1" in str(caught.value) or "out of memory" in str(caught.value)
            api.parts, api.dies = [event("Well", reason="stop"), DONE], False
            await becomes(generator, "ready")
            assert text(await collect(generator)) == "Well"


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (400, b'{"error": {"message": "maximum context length is 2048"}}', BadRequest, "maximum context length"),
        (422, b'{"detail": "bad seed"}', BadRequest, "bad seed"),
        (401, b"", Unavailable, "DOCENT_GENERATOR_KEY"),
        (404, b"not here", Unavailable, "DOCENT_GENERATOR_MODEL"),
        (429, b"", TooBusy, "Ask again in 7 seconds"),
        (500, b"[" * 50_000, Unavailable, "500"),
        (302, b"", Unavailable, "302"),
    ],
)
async def test_a_status_is_told_in_words(status: int, body: bytes, error: type[RequestError], words: str) -> None:
    api = ScriptedApi(status=status, parts=[body] if body else [], headers={"Retry-After": "7", "Location": "/"})
    with scripted_api(api):
        async with remote(api.url) as generator:
            with pytest.raises(error) as caught:
                await collect(generator)
    assert words in str(caught.value)
    if "context" in words:
        assert caught.value.code == "context_length_exceeded"
    if isinstance(caught.value, TooBusy):
        assert caught.value.retry_after == 7


async def test_a_server_that_is_down_is_used_when_it_comes_and_again_when_it_comes_back() -> None:
    api = ScriptedApi()
    with scripted_api(api):
        port = int(api.url.rpartition(":")[2].removesuffix("/v1"))
    async with remote(api.url, state="failed") as generator:
        assert "cannot be reached" in generator.state.detail
        assert generator.context == 0
        for use in (lambda: generator.count(QUESTION), lambda: generator.count_text("a")):
            with pytest.raises(Unavailable):
                use()
        with pytest.raises(Unavailable):
            await collect(generator)
        for _ in range(2):
            with scripted_api(api, port):
                await becomes(generator, "ready")
                assert text(await collect(generator)) == "Hello you"
            await becomes(generator, "failed")


@pytest.mark.parametrize(
    ("status", "models", "words"),
    [
        (401, b"", "refuses the key"),
        (503, b'{"error": {"message": "Loading model"}}', "Loading model"),
        (200, b"<html>", "does not list its models"),
        (200, b'{"data": 5}', "does not list its models"),
        (200, b'{"data": [5, {}]}', "serves no model"),
        (200, b"[" * 100_000, "does not list its models"),
        (200, b"x" * (1 << 21), "does not list its models"),
        (404, b"", "DOCENT_GENERATOR_URL"),
    ],
)
async def test_a_server_that_cannot_be_used_says_why(status: int, models: bytes, words: str) -> None:
    with scripted_api(ScriptedApi(models=models, models_status=status)) as api:
        async with remote(api.url, state="failed") as generator:
            assert words in generator.state.detail
            api.models, api.models_status = b'{"data": [{"id": "now", "meta": {"n_ctx": 900}}]}', 200
            await becomes(generator, "ready")
            assert (generator.name, generator.context) == ("now", 900)


async def test_a_named_model_needs_no_listing() -> None:
    with scripted_api(ScriptedApi(models=b"", models_status=404)) as api:
        async with remote(api.url, generator_model="mine") as generator:
            assert (generator.name, generator.context) == ("mine", ServerSettings().context)


async def test_too_many_at_once_are_told_to_come_later() -> None:
    with scripted_api(ScriptedApi(parts=[event("Hello")], hangs=True)) as api:
        async with remote(api.url, queue=1) as generator:
            answers = [generator.generate(QUESTION, Sampling()) for _ in range(9)]
            assert len([await anext(answer) for answer in answers]) == 9
            with pytest.raises(TooBusy):
                await collect(generator)
            for answer in answers:
                await answer.aclose()  # type: ignore[attr-defined]
            api.parts, api.hangs = [event("Free", reason="stop"), DONE], False
            assert text(await collect(generator)) == "Free"


async def test_log_probabilities_come_with_their_pieces() -> None:
    chosen = b'"logprobs": {"content": [{"token": "a", "logprob": -0.5}]}, "index": 0'
    parts = [event("a").replace(b'"index": 0', chosen), event(reason="stop"), DONE]
    with scripted_api(ScriptedApi(parts=parts)) as api:
        async with remote(api.url) as generator:
            events = await collect(generator, Sampling(logprobs=0))
    assert events[0] == Piece("a", (TokenLogprob("a", -0.5),))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("http://gpu:8080", "http://gpu:8080/v1"),
        ("http://gpu:8080/", "http://gpu:8080/v1"),
        (" https://gpu/api/v1/ ", "https://gpu/api/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
    ],
)
def test_an_address_may_leave_out_the_version(given: str, meant: str) -> None:
    assert str(remote_address(given)) == meant


@pytest.mark.parametrize(
    "wrong", ["gpu:8080", "ftp://gpu", "http://", "http://me:secret@gpu", "http://gpu?key=a", "http://gpu:port", "/v1"]
)
def test_an_address_that_cannot_be_one_is_refused_at_the_start(wrong: str) -> None:
    with pytest.raises(StartError) as caught:
        remote_address(wrong)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "a", "Employees have 25 days.", "\u8bf7\u5047", "\ud800"])
def test_tokens_are_estimated(text: str) -> None:
    assert 3 * estimate_tokens(text) >= len(text.encode("utf-8", "replace"))


async def test_an_address_goes_before_a_model_file(tmp_path: Path) -> None:
    settings = ServerSettings(data=tmp_path)
    assert open_generator(settings) is None
    settings.models_path.mkdir()
    write_tiny_gguf(settings.models_path / "tiny.gguf")
    with scripted_api(ScriptedApi()) as api:
        remote_settings = ServerSettings(data=tmp_path, generator_url=api.url)
        for chosen, kind in ((settings, LocalGenerator), (remote_settings, RemoteGenerator)):
            generator = open_generator(chosen)
            assert isinstance(generator, kind)
            await generator.aclose()


def test_while_it_is_down_answers_are_quotes_and_afterwards_its_own(tmp_path: Path) -> None:
    api = ScriptedApi(parts=[event("Employees have 25 days of annual leave [1]."), event(reason="stop"), DONE])
    with scripted_api(api):
        port = int(api.url.rpartition(":")[2].removesuffix("/v1"))
    settings = ServerSettings(data=tmp_path, generator_url=api.url)
    fill(settings, {"handbook": HANDBOOK})
    with serving(settings, Parts(open_retriever=open_fake_retriever)) as url, httpx.Client(base_url=url) as client:
        question = {"model": "docent", "messages": [{"role": "user", "content": "How many days of annual leave?"}]}
        answer = client.post("/v1/chat/completions", json=question).json()
        assert answer["docent"]["mode"] == "extractive"
        assert "25 days" in answer["choices"][0]["message"]["content"]
        assert "cannot be reached" in client.get("/readyz").text
        assert "cannot be reached" in client.post("/v1/chat/completions", json=question | JSON).text
        with scripted_api(api, port):
            deadline = time.monotonic() + WAIT
            while client.get("/readyz").status_code != 200 and time.monotonic() < deadline:
                time.sleep(0.05)
            answer = client.post("/v1/chat/completions", json=question).json()
    assert answer["docent"]["mode"] == "model"
    assert answer["choices"][0]["message"]["content"] == "Employees have 25 days of annual leave [1]."
