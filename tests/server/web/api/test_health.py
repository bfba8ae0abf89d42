"""What operators and their tools are told."""

from dataclasses import replace

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from indexer.errors import EmbedderError
from server.app import Parts, create_app
from server.llm.generator import GeneratorState
from server.llm.model_pull import PullError
from server.settings import ServerSettings
from tests.server.arriving import ScriptedPull, model_of
from tests.server.fakes import (
    BENEFITS,
    HANDBOOK,
    ScriptedGenerator,
    app_of,
    fill,
    no_generator,
    open_fake_retriever,
)
from tests.waiting import WAIT, until

ADDRESS = "http://127.0.0.1:8000"
CHAT = {"model": "docent", "messages": [{"role": "user", "content": "How many days of annual leave?"}]}


def wait_until_open(client: TestClient) -> None:
    client.post("/v1/search", json={"query": "x"})


def test_without_a_language_model_a_server_is_ready(settings: ServerSettings) -> None:
    fill(settings, {"handbook": HANDBOOK})
    with TestClient(app_of(settings), base_url=ADDRESS) as client:
        wait_until_open(client)
        ready = client.get("/readyz")

    assert ready.status_code == 200
    parts = ready.json()["parts"]
    assert {name: part["state"] for name, part in parts.items()} == {
        "database": "ready",
        "index": "ready",
        "search_model": "ready",
        "language_model": "absent",
    }
    assert all(part["detail"].endswith(".") for part in parts.values())
    assert "docent models pull" in parts["language_model"]["detail"]


def test_an_empty_database_is_normal(settings: ServerSettings) -> None:
    with TestClient(app_of(settings), base_url=ADDRESS) as client:
        wait_until_open(client)
        ready = client.get("/readyz")

    assert ready.status_code == 200
    assert "indexer ingest" in ready.json()["parts"]["index"]["detail"]


def test_each_state_of_the_language_model(settings: ServerSettings) -> None:
    generator = ScriptedGenerator()
    with TestClient(app_of(settings, generator), base_url=ADDRESS) as client:
        wait_until_open(client)
        for state, status in (("ready", 200), ("loading", 503), ("failed", 503)):
            generator.state = GeneratorState(state, f"It is {state}.")  # type: ignore[arg-type]
            ready = client.get("/readyz")
            assert ready.status_code == status
            assert ready.json()["parts"]["language_model"] == {"state": state, "detail": f"It is {state}."}


def test_while_a_model_is_fetched_a_server_is_ready_and_says_how_far_it_is(settings: ServerSettings) -> None:
    fill(settings, {"handbook": HANDBOOK})
    pull = ScriptedPull()
    parts = Parts(open_fake_retriever, lambda _settings: ScriptedGenerator(), pull=pull)
    model = replace(model_of(pull.data), size=2_000_000)
    with TestClient(create_app(settings, parts, fetch=(model,)), base_url=ADDRESS) as client:
        wait_until_open(client)
        pull.half_way.wait(WAIT)
        ready = client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["parts"]["language_model"] == {
            "state": "fetching",
            "detail": "tiny is on its way (1 of 2 MB): answers are quotations until then.",
        }
        figures = client.get("/metrics").text
        assert "docent_language_model_fetched_bytes 1e+06" in figures
        assert 'docent_ready{part="language_model"} 1.0' in figures
        refused = client.post("/v1/chat/completions", json={**CHAT, "docent": {"retrieval": "off"}})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "model_fetching")
        assert refused.headers["x-should-retry"] == "false"

        pull.gate.set()
        until(lambda: client.get("/readyz").json()["parts"]["language_model"]["state"] == "ready")
        assert client.post("/v1/chat/completions", json=CHAT).json()["usage"]["completion_tokens"] == 8
        assert "scripted" in [model["id"] for model in client.get("/v1/models").json()["data"]]


def test_where_no_model_came_a_server_is_ready_and_says_why(settings: ServerSettings) -> None:
    pull = ScriptedPull()
    pull.error = PullError("The hub cannot be reached.", "Fetch it by hand.")
    pull.gate.set()
    app = create_app(settings, Parts(open_fake_retriever, no_generator, pull=pull), fetch=(model_of(pull.data),))
    with TestClient(app, base_url=ADDRESS) as client:
        wait_until_open(client)
        until(lambda: client.get("/readyz").json()["parts"]["language_model"]["state"] == "absent")
        ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["parts"]["language_model"]["detail"] == (
        "There is no language model. tiny could not be fetched. The hub cannot be reached. Answers are quotations.\n"
        "Fetch it by hand."
    )


def test_a_model_that_is_left_out_is_absent_and_says_so(settings: ServerSettings) -> None:
    left_out = settings.model_copy(update={"model": "none"})
    app = create_app(left_out, Parts(open_retriever=open_fake_retriever))
    with TestClient(app, base_url=ADDRESS) as client:
        wait_until_open(client)
        part = client.get("/readyz").json()["parts"]["language_model"]
    assert part["state"] == "absent"
    assert part["detail"].startswith("DOCENT_MODEL is `none`")


def test_a_search_model_that_is_not_there_is_named(settings: ServerSettings) -> None:
    def open_retriever(*_: object) -> None:
        raise EmbedderError("There is no embedding model folder x.", "Correct DOCENT_EMBEDDER.")

    fill(settings, {"handbook": HANDBOOK})
    parts = Parts(open_retriever, no_generator)  # type: ignore[arg-type]
    with TestClient(create_app(settings, parts), base_url=ADDRESS) as client:
        wait_until_open(client)
        ready = client.get("/readyz")
        answer = client.post("/v1/chat/completions", json=CHAT)
        search = client.post("/v1/search", json={"query": "x"})
        embedding = client.post("/v1/embeddings", json={"model": "docent", "input": "x"})

    assert ready.json()["parts"]["search_model"]["state"] == "failed"
    for response in (ready, answer, search, embedding):
        assert response.status_code == 503
        assert "Correct DOCENT_EMBEDDER." in response.text


def test_figures(settings: ServerSettings) -> None:
    fill(settings, {"handbook": HANDBOOK, "benefits": BENEFITS})
    with TestClient(app_of(settings, ScriptedGenerator(drafts=(12, 9))), base_url=ADDRESS) as client:
        client.post("/v1/chat/completions", json=CHAT)
        client.post("/v1/chat/completions", json={**CHAT, "model": "none"})
        client.get("/documents/12345")
        client.get("/no/such/place")
        text = client.get("/metrics").text

    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["docent_documents", "handbook"] == 2
    assert samples["docent_documents", "benefits"] == 1
    assert samples["docent_requests_total", "/v1/chat/completions", "200", "POST"] == 1
    assert samples["docent_requests_total", "/v1/chat/completions", "404", "POST"] == 1
    assert samples["docent_requests_total", "/documents/{document_id}", "404", "GET"] == 1
    assert samples["docent_requests_total", "404", "GET", "other"] == 1
    assert samples["docent_answers_total", "answered", "model"] == 1
    assert samples["docent_completion_tokens_total",] == 8
    assert samples["docent_first_token_seconds_count",] == 1
    assert samples["docent_open_questions",] == 0
    assert samples["docent_drafted_tokens_total",] == 12
    assert samples["docent_accepted_tokens_total",] == 9
    assert samples["docent_ready", "database"] == 1


def test_two_servers_in_a_process_count_apart(settings: ServerSettings) -> None:
    other = settings.model_copy(update={"data": settings.data.with_name("other")})
    with (
        TestClient(app_of(settings), base_url=ADDRESS) as one,
        TestClient(app_of(other), base_url=ADDRESS) as two,
    ):
        one.get("/healthz")
        assert '"/healthz"' in one.get("/metrics").text
        assert '"/healthz"' not in two.get("/metrics").text
