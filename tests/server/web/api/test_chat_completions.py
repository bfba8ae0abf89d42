"""The API as it is on the wire: what is asked of the answerer, what comes back, what is refused and in which words."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from server.settings import ServerSettings
from tests.server.fakes import BENEFITS, HANDBOOK, ScriptedGenerator, app_of, fill

ASKED = "How many days of annual leave do employees have?"


@pytest.fixture
def generator() -> ScriptedGenerator:
    return ScriptedGenerator()


@pytest.fixture
def client(settings: ServerSettings, generator: ScriptedGenerator) -> Iterator[TestClient]:
    fill(settings, {"handbook": HANDBOOK, "benefits": BENEFITS})
    with TestClient(app_of(settings, generator), base_url="http://127.0.0.1:8000") as client:
        yield client


@pytest.fixture
def bare(settings: ServerSettings) -> Iterator[TestClient]:
    """A server without a language model."""
    fill(settings, {"handbook": HANDBOOK, "benefits": BENEFITS})
    with TestClient(app_of(settings), base_url="http://127.0.0.1:8000") as client:
        yield client


def chat(client: TestClient, question: str = ASKED, **more: Any) -> Any:
    body = {"model": "docent", "messages": [{"role": "user", "content": question}], **more}
    return client.post("/v1/chat/completions", json=body)


def refused(response: Any, status: int, param: str | None, code: str | None = None) -> str:
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (status, param, code)
    assert set(error) == {"message", "type", "param", "code"}
    message: str = error["message"]
    assert message.endswith((".", "answers.")), message
    return message


def test_an_answer_carries_its_citations(client: TestClient) -> None:
    body = chat(client).json()

    message = body["choices"][0]["message"]
    assert message["content"] == "Employees have 25 days of annual leave [1]."
    assert body["choices"][0]["finish_reason"] == "stop"
    (annotation,) = message["annotations"]
    place = annotation["url_citation"]
    assert message["content"][place["start_index"] : place["end_index"]] == "[1]"
    (citation,) = body["docent"]["citations"]
    assert citation["quote"] == HANDBOOK["leave.md"][citation["start"] : citation["end"]]
    assert place["url"] == citation["url"]
    assert body["docent"]["mode"] == "model"
    assert body["docent"]["answered"] is True
    assert [source["n"] for source in body["docent"]["sources"]] == [1]
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]


def test_a_citation_s_address_opens_the_source(client: TestClient) -> None:
    url = chat(client).json()["docent"]["citations"][0]["url"]

    assert url.startswith("http://127.0.0.1:8000/documents/")
    page = client.get(url)
    assert page.status_code == 200
    assert "25 days" in page.text
    assert url.endswith("#quote")
    assert 'id="quote"' in page.text
    assert client.get("http://127.0.0.1:8000/documents/999").status_code == 404


def test_the_short_path_is_the_same(client: TestClient) -> None:
    body = {"model": "docent", "messages": [{"role": "user", "content": ASKED}]}

    assert client.post("/v1/chat", json=body).json()["choices"] == chat(client).json()["choices"]


def test_a_stream_ends_as_its_readers_expect(client: TestClient) -> None:
    response = chat(client, stream=True, stream_options={"include_usage": True})

    assert response.headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in response.headers
    events = [line for line in response.text.split("\n\n") if line and not line.startswith(":")]
    assert events[-1] == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-1]]
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    finish, usage = chunks[-2:]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-2]] == [None] * (len(chunks) - 2)
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == 8
    assert all(chunk["usage"] is None for chunk in chunks[:-1])
    assert len({chunk["id"] for chunk in chunks}) == 1


def test_a_stream_says_what_the_whole_answer_says(client: TestClient) -> None:
    whole = chat(client).json()
    events = chat(client, stream=True).text.split("\n\n")
    chunks = [json.loads(e.removeprefix("data: ")) for e in events if e.startswith("data: {")]

    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert text == whole["choices"][0]["message"]["content"]
    assert chunks[-1]["choices"][0]["delta"]["annotations"] == whole["choices"][0]["message"]["annotations"]
    for timeless in ("citations", "quotes", "sources", "answered", "mode", "usage"):
        assert chunks[-1]["docent"][timeless] == whole["docent"][timeless]
    assert all("usage" not in chunk for chunk in chunks)


def test_the_request_reaches_the_model(client: TestClient, generator: ScriptedGenerator) -> None:
    messages = [
        {"role": "system", "content": "Answer in French."},
        {"role": "user", "content": "What is the dental plan?"},
        {"role": "assistant", "content": "Two cleanings a year."},
        {"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]},
        {"role": "user", "content": ASKED, "name": "ann"},
    ]
    body = {
        "model": "scripted", "messages": messages, "temperature": 0.7, "top_p": 0.5, "seed": -1, "max_tokens": 9,
        "max_completion_tokens": 7, "stop": ["END", "\n\n"], "user": "u", "metadata": {"a": "b"}, "store": True,
        "frequency_penalty": 0.1, "docent": {"top_k": 1},
    }  # fmt: skip

    assert client.post("/v1/chat/completions", json=body).status_code == 200
    (sampling,) = generator.samplings
    assert (sampling.temperature, sampling.top_p, sampling.seed, sampling.max_tokens) == (0.7, 0.5, 2**32 - 1, 7)
    assert sampling.stop == ("END", "\n\n")
    (prompt,) = generator.prompts
    assert [message.role for message in prompt] == ["system", "user", "assistant", "user"]
    assert prompt[0].content.endswith("Answer in French.\n\nBe brief.")
    assert prompt[1].content == "What is the dental plan?"
    assert ASKED in prompt[-1].content
    assert "two cleanings" not in prompt[-1].content.lower(), "top_k 1 leaves one passage"


def test_a_seed_and_a_temperature_may_be_left_out(client: TestClient, generator: ScriptedGenerator) -> None:
    chat(client, temperature=None, top_p=None, seed=None, stop=None, max_tokens=None, stream=None, n=None)

    (sampling,) = generator.samplings
    assert (sampling.temperature, sampling.top_p, sampling.seed, sampling.stop) == (0.0, 1.0, None, ())
    assert sampling.max_tokens == 400


def test_retrieval_can_be_turned_off(client: TestClient, generator: ScriptedGenerator) -> None:
    body = chat(client, docent={"retrieval": "off"}).json()

    assert body["docent"]["sources"] == []
    assert body["choices"][0]["message"]["annotations"] == []
    assert generator.prompts[0][-1].content == ASKED


def test_json_holds_no_marks(client: TestClient, generator: ScriptedGenerator) -> None:
    generator.words = ('{"days":', " 25,", ' "list": [1]}')
    schema = {"type": "object", "properties": {"days": {"type": "integer"}}}
    format_ = {"type": "json_schema", "json_schema": {"name": "leave", "strict": True, "schema": schema}}

    body = chat(client, response_format=format_).json()
    assert json.loads(body["choices"][0]["message"]["content"]) == {"days": 25, "list": [1]}
    assert body["choices"][0]["message"]["annotations"] == []
    assert generator.samplings[0].json_schema == schema
    chat(client, response_format={"type": "json_object"})
    assert generator.samplings[1].json_schema == {}
    chat(client, response_format={"type": "text"})
    assert generator.samplings[2].json_schema is None


@pytest.mark.parametrize("more", [{}, {"docent": {"retrieval": "off"}}])
def test_log_probabilities_come_with_their_words(client: TestClient, more: dict[str, Any]) -> None:
    """Also where text is held back until a mark is checked: none is lost, none comes twice."""
    whole = chat(client, logprobs=True, top_logprobs=1, **more).json()["choices"][0]["logprobs"]["content"]
    events = chat(client, logprobs=True, top_logprobs=1, stream=True, **more).text.split("\n\n")
    choices = [json.loads(e.removeprefix("data: "))["choices"][0] for e in events if e.startswith("data: {")]

    assert [token["token"] for token in whole] == list(ScriptedGenerator().words)
    assert whole[0] == {
        "token": "Employees",
        "logprob": -0.5,
        "bytes": list(b"Employees"),
        "top_logprobs": [{"token": "Employees", "logprob": -0.5, "bytes": list(b"Employees")}],
    }
    assert [token for choice in choices if choice["logprobs"] for token in choice["logprobs"]["content"]] == whole
    assert chat(client, **more).json()["choices"][0]["logprobs"] is None


def test_collections_narrow_the_search(client: TestClient) -> None:
    found = chat(client, docent={"collections": ["benefits"], "abstain": False}).json()["docent"]["sources"]

    assert [source["document"] for source in found] == ["dental.md"]
    message = refused(chat(client, docent={"collections": ["benefits", "secret"]}), 404, "docent.collections")
    assert "secret" in message


def test_documents_narrow_the_search_and_tell_nothing_of_others(client: TestClient) -> None:
    def asked(*documents: str | int) -> list[tuple[str, int]]:
        found = chat(client, docent={"documents": documents, "abstain": False}).json()["docent"]["sources"]
        return [(source["document"], source["document_id"]) for source in found]

    ((_, dental),) = asked("dental.md")
    assert {name for name, _ in asked(dental)} == {"dental.md"}
    assert {name for name, _ in asked("leave.md", "dental.md")} == {"leave.md"}, "the better of the two"
    services = client.app.state.services  # type: ignore[attr-defined]
    hidden = services.catalog.named(["handbook"], services.catalog.everything())
    services.scope_of = lambda _request: hidden
    for documents in (["dental.md"], ["nothing.md"], [dental], [999]):
        message = refused(chat(client, docent={"documents": documents}), 404, "docent.documents")
        assert message == f"There is no document {str(documents[0])!r}."
        refused(client.post("/v1/search", json={"query": "x", "documents": documents}), 404, "documents")
    for wrong in ([0], [1.5], [None], "leave.md", [2**70]):
        assert chat(client, docent={"documents": wrong}).status_code == 400
    services.scope_of = lambda _request: services.catalog.everything()
    assert not chat(client, docent={"documents": []}).json()["docent"]["answered"], "none of them is nothing"


def test_what_the_documents_do_not_say_is_not_answered(bare: TestClient) -> None:
    body = chat(bare, "Zebras quantum harpsichord volcano?").json()

    assert body["docent"]["answered"] is False
    assert body["choices"][0]["message"]["annotations"] == []
    assert body["choices"][0]["finish_reason"] == "stop"


def test_without_a_model_the_documents_answer(bare: TestClient) -> None:
    body = chat(bare).json()

    assert body["docent"]["mode"] == "extractive"
    assert "25 days of annual leave" in body["choices"][0]["message"]["content"]
    assert body["usage"]["total_tokens"] == 0
    for annotation in body["choices"][0]["message"]["annotations"]:
        place = annotation["url_citation"]
        assert body["choices"][0]["message"]["content"][place["start_index"]] == "["
    assert len(body["docent"]["citations"]) == len(body["choices"][0]["message"]["annotations"]) > 0


@pytest.mark.parametrize(
    "more",
    [
        {"docent": {"retrieval": "off"}},
        {"response_format": {"type": "json_object"}},
        {"logprobs": True},
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_needs_a_model_says_how_to_get_one(bare: TestClient, more: dict[str, Any], stream: bool) -> None:
    response = chat(bare, stream=stream, **more)

    assert "docent models pull qwen2.5-coder-1.5b" in refused(response, 503, None, "model_not_installed")
    assert response.headers["x-should-retry"] == "false"


def test_nothing_indexed_is_an_answer(settings: ServerSettings) -> None:
    with TestClient(app_of(settings), base_url="http://127.0.0.1:8000") as client:
        body = chat(client).json()
    assert "Nothing is indexed yet" in body["choices"][0]["message"]["content"]
    assert body["docent"]["answered"] is False


def test_a_prompt_longer_than_the_context_is_refused_before_anything_is_said(
    client: TestClient, generator: ScriptedGenerator
) -> None:
    generator.context = 200
    for stream in (False, True):
        response = chat(client, f"{ASKED} {'very ' * 400}", stream=stream)
        assert "at most" in refused(response, 400, "messages", "context_length_exceeded")


def test_a_message_of_a_megabyte_gets_a_clear_answer(client: TestClient) -> None:
    refused(chat(client, "annual leave " * 77_000), 400, "messages", "context_length_exceeded")
    assert chat(client, "leave " * 200_000).status_code == 413


def test_a_message_of_a_megabyte_without_a_model(bare: TestClient) -> None:
    assert chat(bare, "annual leave " * 77_000).json()["docent"]["mode"] == "extractive"


def test_a_failure_in_mid_stream_is_told_in_the_stream(
    client: TestClient, generator: ScriptedGenerator, caplog: pytest.LogCaptureFixture
) -> None:
    generator.fails_after = 3
    response = chat(client, stream=True)

    assert response.status_code == 200
    last = [line for line in response.text.split("\n\n") if line][-1]
    error = json.loads(last.removeprefix("data: "))["error"]
    assert error["type"] == "server_error"
    assert "the model broke" not in error["message"]
    assert error["code"].removeprefix("problem_") in caplog.text


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"functions": [{}]}, "functions"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"top_k": -1}, "top_k"),
        ({"min_p": 1.5}, "min_p"),
        ({"repeat_penalty": 0}, "repeat_penalty"),
        ({"presence_penalty": 2.5}, "presence_penalty"),
        ({"frequency_penalty": -2.5}, "frequency_penalty"),
        ({"logit_bias": {str(token): 1 for token in range(1025)}}, "logit_bias"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": [""]}, "stop"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"response_format": {"type": "yaml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        ({"docent": {"collection": ["x"]}}, "docent.collection"),
        ({"docent": {"top_k": 0}}, "docent.top_k"),
        ({"docent": {"retrieval": "maybe"}}, "docent.retrieval"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": " \n"}]}, "messages"),
        ({"messages": [{"role": "system", "content": "only this"}]}, "messages"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}, "messages"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "messages[0].role"),
        ({"messages": [{"content": "a"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0]"),
        ({"messages": "hello"}, "messages"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_names_its_parameter(client: TestClient, more: dict[str, Any], param: str) -> None:
    refused(chat(client, **more), 400, param)


@pytest.mark.parametrize("model", ["gpt-4o", "", "all-MiniLM-L6-v2", "x" * 300])
def test_an_unknown_model_is_not_found(client: TestClient, model: str) -> None:
    assert len(refused(chat(client, model=model), 404, "model", "model_not_found")) < 300
    assert chat(client, model="scripted").status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b"null", b"\xff\xfe", b'{"model": "docent", "messages": [', b"[" * 100_000, b"{'a': 1}"],
)
def test_malformed_json_is_told_plainly(client: TestClient, body: bytes) -> None:
    response = client.post("/v1/chat/completions", content=body, headers={"Content-Type": "application/json"})

    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (400, "invalid_request_error")
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    "body",
    [
        '{"model": "docent", "messages": [{"role": "user", "content": "\\ud800 leave"}]}',
        '{"model": "docent", "messages": [{"role": "user", "content": [{"type": "text", "text": "\\udfff"}]}]}',
        '{"model": "docent", "messages": [{"role": "user", "content": "x"}], "stop": "\\ud800"}',
        '{"model": "docent", "messages": [{"role": "user", "content": "x"}], "docent": {"collections": ["\\ud800"]}}',
        '{"model": "docent", "messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
    ],
)
def test_text_that_is_no_unicode_is_refused(client: TestClient, body: str) -> None:
    response = client.post("/v1/chat/completions", content=body, headers={"Content-Type": "application/json"})

    assert response.status_code == 400


def test_wrong_methods_and_places(client: TestClient) -> None:
    assert refused(client.get("/v1/chat/completions"), 405, None) == "This address does not take this method."
    refused(client.get("/v1/nothing"), 404, None)


def test_models_are_listed_and_found(client: TestClient) -> None:
    names = [model["id"] for model in client.get("/v1/models").json()["data"]]

    assert names == ["docent", "scripted", "all-MiniLM-L6-v2"]
    assert client.get("/v1/models/scripted").json()["id"] == "scripted"
    refused(client.get("/v1/models/gpt/4"), 404, "model", "model_not_found")


def test_search_answers_like_the_command(client: TestClient) -> None:
    body = client.post("/v1/search", json={"query": "annual leave", "history": ["days?"], "top_k": 1}).json()

    assert set(body) == {"query", "passages", "took_ms"}
    (passage,) = body["passages"]
    place = {"document_id", "document", "title", "heading", "page", "start", "end"}
    assert set(passage) == {"rank", "score", "text", *place}
    assert passage["document"] == "leave.md"
    assert passage["text"] == HANDBOOK["leave.md"][passage["start"] : passage["end"]]


def test_search_keeps_to_collections(client: TestClient) -> None:
    body = client.post("/v1/search", json={"query": "annual leave", "collections": ["benefits"]}).json()

    assert {passage["document"] for passage in body["passages"]} == {"dental.md"}
    refused(client.post("/v1/search", json={"query": "x", "collections": ["none"]}), 404, "collections")
    refused(client.post("/v1/search", json={"query": ""}), 400, "query")
    said = refused(client.post("/v1/search", json={"query": " \n\t "}), 400, "query")
    assert said == "The query is empty. Write what to search for."
    refused(client.post("/v1/search", json={"query": "x", "topk": 3}), 400, "topk")
    refused(client.post("/v1/search", json={"query": "x", "spelling": "loose"}), 400, "spelling")


def test_null_is_as_good_as_no_options(client: TestClient) -> None:
    given, none = chat(client, docent=None), chat(client)
    assert given.status_code == 200
    assert given.json()["choices"][0]["message"]["content"] == none.json()["choices"][0]["message"]["content"]
    refused(chat(client, docent={"top_k": 0}), 400, "docent.top_k")


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"model": "text-embedding-3-small", "input": "x"}, 404, "model"),
        ({"model": "docent", "input": []}, 400, "input"),
        ({"model": "docent", "input": ""}, 400, "input"),
        ({"model": "docent", "input": ["a", ""]}, 400, "input"),
        ({"model": "docent", "input": ["a"] * 2049}, 400, "input"),
        ({"model": "docent", "input": "x", "dimensions": 3}, 400, "dimensions"),
        ({"model": "docent", "input": "x", "encoding_format": "int8"}, 400, "encoding_format"),
    ],
)
def test_embeddings_that_cannot_be_made(client: TestClient, body: dict[str, Any], status: int, param: str) -> None:
    response = client.post("/v1/embeddings", json=body)

    assert (response.status_code, response.json()["error"]["param"]) == (status, param)
    assert client.post("/v1/embeddings", json={"model": "docent", "input": [1, 2]}).status_code == 400
