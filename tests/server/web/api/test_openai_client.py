"""The official `openai` package against a real server on a free port."""

import json
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel, SecretStr

from indexer.client import find_server, read_address
from indexer.errors import DocentError
from indexer.passages import Passage
from server.answering.events import BENEATH, Answer, AnswerEvent, Citation, Evidence, Question, Sources, Text
from server.answering.means import Means
from server.app import Parts
from server.errors import Forbidden, TooBusy
from server.settings import ServerSettings
from tests.server.fakes import BENEFITS, HANDBOOK, ScriptedGenerator, fill, no_generator, open_fake_retriever, serving

ASKED = "How many days of annual leave do employees have?"
MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": ASKED}]
WAIT = 20  # seconds until a test that waits for another thread gives up


@pytest.fixture
def generator() -> ScriptedGenerator:
    return ScriptedGenerator()


@pytest.fixture
def url(settings: ServerSettings, generator: ScriptedGenerator) -> Iterator[str]:
    fill(settings, {"handbook": HANDBOOK, "benefits": BENEFITS})
    parts = Parts(open_retriever=open_fake_retriever, open_generator=lambda _settings: generator)
    with serving(settings, parts) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_an_answer(client: openai.OpenAI, url: str) -> None:
    completion = client.chat.completions.create(model="docent", messages=MESSAGES)

    message = completion.choices[0].message
    assert message.content == "Employees have 25 days of annual leave [1]."
    assert message.annotations is not None
    (annotation,) = message.annotations
    assert annotation.type == "url_citation"
    assert message.content[annotation.url_citation.start_index : annotation.url_citation.end_index] == "[1]"
    assert httpx.get(annotation.url_citation.url).status_code == 200
    assert annotation.url_citation.url.startswith(url)
    assert completion.usage is not None
    assert completion.usage.completion_tokens == 8
    assert completion.model_extra is not None
    assert completion.model_extra["docent"]["citations"][0]["quote"] == "Employees have 25 days of annual leave."


def test_a_stream(client: openai.OpenAI) -> None:
    text, annotations, usage, meanwhile = "", None, None, None
    with client.chat.completions.create(
        model="scripted", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    ) as stream:
        for chunk in stream:
            usage = chunk.usage or usage
            extra = (chunk.model_extra or {}).get("docent") or {}
            if "meanwhile" in extra:
                assert not text, "it is there before the first word"
                meanwhile = extra["meanwhile"]
            for choice in chunk.choices:
                text += choice.delta.content or ""
                annotations = (choice.delta.model_extra or {}).get("annotations") or annotations

    assert text == "Employees have 25 days of annual leave [1]."
    assert usage is not None
    assert annotations is not None
    assert annotations[0]["url_citation"]["start_index"] == 39
    assert meanwhile is not None
    assert meanwhile["quote"].startswith("Employees have 25 days of annual leave.")
    assert meanwhile["url"].startswith("http")


def test_the_package_s_own_stream_reader(client: openai.OpenAI) -> None:
    """Strict about the order and the shape of chunks."""
    with client.chat.completions.stream(model="docent", messages=MESSAGES) as stream:
        completion = stream.get_final_completion()

    assert completion.choices[0].message.content == "Employees have 25 days of annual leave [1]."
    assert completion.choices[0].finish_reason == "stop"


async def answer_with_a_quotation(_question: Question, means: Means) -> AsyncGenerator[AnswerEvent, None]:
    """As a small model answers in a later question of a conversation: short, what it rests on quoted beneath."""
    document = means.catalog.document(1, means.catalog.everything())
    assert document is not None
    passage = Passage(
        1, 1.0, 0.5, document.id or 0, document.collection_id, document.path, document.title, "", None, 0,
        len(document.text), document.text, "", root=document.root,
    )  # fmt: skip
    end = document.text.index(".") + 1
    cited = Citation(
        1, len("25 days "), passage.document_id, passage.collection_id, passage.document, passage.title, "", None,
        0, end, document.text[:end], passage.root,
    )  # fmt: skip
    yield Sources((Evidence(5, passage, document.text, shown=1),))
    yield Text("25 days [1].", (cited,))
    yield Answer("25 days [1].", "25 days.", True, "model", citations=(cited,), quotes=(replace(cited, at=BENEATH),))


def test_what_is_quoted_beneath_an_answer(settings: ServerSettings) -> None:
    fill(settings, {"handbook": HANDBOOK})
    parts = Parts(
        open_retriever=open_fake_retriever, open_generator=no_generator, answer=answer_with_a_quotation
    )  # fmt: skip
    with (
        serving(settings, parts) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
    ):
        whole = client.chat.completions.create(model="docent", messages=MESSAGES)
        *_, finish = client.chat.completions.create(model="docent", messages=MESSAGES, stream=True)
        assert whole.model_extra is not None
        assert finish.model_extra is not None
        assert finish.choices[0].finish_reason == "stop"
        docent = whole.model_extra["docent"]
        assert finish.model_extra["docent"]["quotes"] == docent["quotes"]
        (quote,) = docent["quotes"]
        place = {"document_id", "document", "title", "heading", "page", "start", "end"}
        assert set(quote) == {"n", "quote", "url", *place}
        assert [one["n"] for one in (quote, *docent["citations"], *docent["sources"])] == [1, 1, 1]
        assert quote["quote"] == HANDBOOK[quote["document"]][quote["start"] : quote["end"]]
        assert f">{quote['quote']}</mark>" in httpx.get(quote["url"]).text
        assert len(whole.choices[0].message.annotations or []) == 1, "no mark leads to what stands beneath"


async def test_the_asynchronous_client(url: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        whole = await client.chat.completions.create(model="docent", messages=MESSAGES)
        stream = await client.chat.completions.create(model="docent", messages=MESSAGES, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert text == whole.choices[0].message.content


def test_structured_output(client: openai.OpenAI, generator: ScriptedGenerator) -> None:
    class Leave(BaseModel):
        days: int

    generator.words = ('{"days"', ": 25}")
    completion = client.chat.completions.parse(model="docent", messages=MESSAGES, response_format=Leave)

    assert completion.choices[0].message.parsed == Leave(days=25)
    assert generator.samplings[0].json_schema is not None
    assert generator.samplings[0].json_schema["required"] == ["days"]


def test_docent_s_own_options(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(
        model="docent",
        messages=MESSAGES,
        extra_body={"docent": {"collections": ["benefits"], "abstain": False, "top_k": 2}},
    )

    assert completion.model_extra is not None
    assert [source["document"] for source in completion.model_extra["docent"]["sources"]] == ["dental.md"]


def test_documents_are_asked_by_path_or_id(client: openai.OpenAI, url: str) -> None:
    def sources(**options: Any) -> list[dict[str, Any]]:
        completion = client.chat.completions.create(
            model="docent", messages=MESSAGES, extra_body={"docent": {"abstain": False, **options}}
        )
        assert completion.model_extra is not None
        found: list[dict[str, Any]] = completion.model_extra["docent"]["sources"]
        return found

    (travel,) = sources(documents=["travel.md"])
    assert travel["document"] == "travel.md"
    assert [one["document"] for one in sources(documents=[travel["document_id"]])] == ["travel.md"]
    found = httpx.post(f"{url}/v1/search", json={"query": "annual leave", "documents": [travel["document_id"]]})
    assert {passage["document_id"] for passage in found.json()["passages"]} == {travel["document_id"]}
    elsewhere = {"documents": ["dental.md"], "collections": ["handbook"]}
    for options in ({"documents": ["no.md"]}, {"documents": [99]}, elsewhere):
        with pytest.raises(openai.NotFoundError) as refused:
            sources(**options)
        assert refused.value.param == "docent.documents"
    with pytest.raises(openai.BadRequestError) as refused_many:
        sources(documents=["leave.md"] * 21)
    assert refused_many.value.param == "docent.documents"


def test_embeddings(client: openai.OpenAI) -> None:
    """The package asks for base64 unless it is told otherwise; both say the same."""
    packed = client.embeddings.create(model="all-MiniLM-L6-v2", input=["annual leave", "two words"])
    plain = client.embeddings.create(model="docent", input="annual leave", encoding_format="float")

    assert [item.index for item in packed.data] == [0, 1]
    assert len(packed.data[0].embedding) == 64
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding)
    assert sum(value * value for value in plain.data[0].embedding) == pytest.approx(1)
    assert (packed.usage.prompt_tokens, plain.usage.total_tokens) == (4, 2)


def test_models(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]

    assert names == ["docent", "scripted", "all-MiniLM-L6-v2"]
    assert client.models.retrieve("docent").owned_by == "docent"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4o")


def test_bad_requests(client: openai.OpenAI, generator: ScriptedGenerator) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="docent", messages=MESSAGES, n=2)
    assert (caught.value.param, caught.value.type) == ("n", "invalid_request_error")
    generator.context = 64
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="docent", messages=MESSAGES, stream=True)
    assert caught.value.code == "context_length_exceeded"


def test_an_unknown_model(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_a_body_that_is_too_large(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="docent", messages=[{"role": "user", "content": "x" * 4_000_000}])
    assert caught.value.status_code == 413


def test_a_wrong_key(settings: ServerSettings) -> None:
    fill(settings, {"handbook": HANDBOOK})
    locked = settings.model_copy(update={"api_key": SecretStr("right")})
    with serving(locked, Parts(open_retriever=open_fake_retriever, open_generator=no_generator)) as url:
        with openai.OpenAI(base_url=f"{url}/v1", api_key="wrong", max_retries=0) as client:
            with pytest.raises(openai.AuthenticationError) as caught:
                client.models.list()
            assert caught.value.code == "invalid_api_key"
        with openai.OpenAI(base_url=f"{url}/v1", api_key="right", max_retries=0) as client:
            assert client.models.list().data


def _answering(problem: Exception, settings: ServerSettings) -> Any:
    async def answer(question: Question, *_: object) -> Any:
        raise problem
        yield

    return serving(settings, Parts(open_fake_retriever, no_generator, answer))


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (TooBusy("32 questions wait.", "Ask again.", retry_after=7), openai.RateLimitError),
        (Forbidden("Not yours."), openai.PermissionDeniedError),
        (RuntimeError("secret detail"), openai.InternalServerError),
    ],
)
def test_every_refusal_has_its_exception(
    settings: ServerSettings, problem: Exception, kind: type[openai.APIStatusError]
) -> None:
    fill(settings, {"handbook": HANDBOOK})
    with (
        _answering(problem, settings) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client,
    ):
        for stream in (False, True):
            with pytest.raises(kind) as caught:
                client.chat.completions.create(model="docent", messages=MESSAGES, stream=stream)
            assert "secret detail" not in caught.value.message
            if isinstance(problem, TooBusy):
                assert caught.value.response.headers["retry-after"] == "7"


def test_without_a_model_what_needs_one_is_unavailable(settings: ServerSettings) -> None:
    fill(settings, {"handbook": HANDBOOK})
    with (
        serving(settings, Parts(open_retriever=open_fake_retriever, open_generator=no_generator)) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key="x") as client,
    ):
        with pytest.raises(openai.InternalServerError) as caught:
            client.chat.completions.create(model="docent", messages=MESSAGES, logprobs=True)
        assert caught.value.status_code == 503
        assert "docent models pull" in caught.value.message
        answer = client.chat.completions.create(model="docent", messages=MESSAGES)
        assert "25 days" in (answer.choices[0].message.content or "")
        assert answer.usage is not None
        assert answer.usage.total_tokens == 0


def test_a_failure_in_mid_stream_is_raised(client: openai.OpenAI, generator: ScriptedGenerator) -> None:
    generator.words = ("Employees have 25 days of annual leave.", " Five", " days carry over.")
    generator.fails_after = 2
    text: list[str] = []
    stream = client.chat.completions.create(model="docent", messages=MESSAGES, stream=True)
    with pytest.raises(openai.APIError, match="Something went wrong"):
        text.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "".join(text) == "Employees have 25 days of annual leave [1].", "what had ended was passed on"


def test_a_stream_that_is_left_frees_the_model(client: openai.OpenAI, generator: ScriptedGenerator) -> None:
    generator.gate.clear()
    stream = client.chat.completions.create(model="docent", messages=MESSAGES, stream=True)
    assert next(iter(stream)).choices[0].delta.role == "assistant"
    assert generator.begun.wait(WAIT)
    assert not generator.closed.is_set()

    stream.close()
    assert generator.closed.wait(WAIT), "the generation went on without a reader"


def test_a_stream_that_is_left_before_the_first_word_frees_the_model(
    client: openai.OpenAI, generator: ScriptedGenerator
) -> None:
    generator.gate.clear()
    generator.waits_first = True
    stream = client.chat.completions.create(model="docent", messages=MESSAGES, stream=True)
    assert generator.begun.wait(WAIT)

    stream.close()
    assert generator.closed.wait(WAIT), "the prompt was read on without a reader"


def test_a_whole_answer_that_nobody_waits_for_frees_the_model(url: str, generator: ScriptedGenerator) -> None:
    generator.gate.clear()
    body = {"model": "docent", "messages": MESSAGES}
    with httpx.Client(timeout=httpx.Timeout(WAIT, read=0.5)) as client, pytest.raises(httpx.ReadTimeout):
        client.post(f"{url}/v1/chat/completions", json=body)

    assert generator.begun.is_set()
    assert generator.closed.wait(WAIT), "the generation went on without a reader"
    assert httpx.get(f"{url}/healthz").status_code == 200


def test_local_commands_find_the_server(url: str, settings: ServerSettings, client: openai.OpenAI) -> None:
    server = find_server(settings)

    assert server is not None
    assert server.address.url == url
    assert server.search("annual leave", top_k=1)["passages"][0]["document"] == "leave.md"
    assert server.ask(ASKED)["docent"]["answered"] is True
    with pytest.raises(DocentError, match="no collection 'none'"):
        server.ask(ASKED, ["none"])


def test_a_server_that_is_gone_is_not_found(settings: ServerSettings, generator: ScriptedGenerator) -> None:
    assert find_server(settings) is None
    parts = Parts(open_retriever=open_fake_retriever, open_generator=lambda _settings: generator)
    with serving(settings, parts) as url:
        address = read_address(settings.server_file)
        assert address is not None
        stale = settings.server_file.read_text()
    assert not settings.server_file.exists()
    settings.server_file.write_text(stale)
    assert find_server(settings) is None, f"nothing listens on {url} any more"
    for broken in ("", "{", "[]", "{}", json.dumps({"url": 1, "pid": "x", "token": ""})):
        settings.server_file.write_text(broken)
        assert find_server(settings) is None
