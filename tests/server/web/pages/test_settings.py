"""The settings page: what can be changed, what is set elsewhere, and that no change is lost or made by a stranger."""

import json
import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from indexer.errors import StartError
from indexer.settings import KEPT, IndexerSettings
from server.llm.model_files import resolve_model
from server.settings import ServerSettings, keep
from tests.server.fakes import HANDBOOK, app_of, fill
from tests.tiny_gguf import write_tiny_gguf
from tests.waiting import until

FOREIGN = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
WORDS = "a long password"


@pytest.fixture
def client(settings: ServerSettings) -> Iterator[TestClient]:
    fill(settings, {"handbook": HANDBOOK})
    settings.models_path.mkdir(parents=True)
    for name in ("alpha", "bravo"):
        write_tiny_gguf(settings.models_path / f"{name}.gguf")
    with TestClient(app_of(settings), base_url="http://127.0.0.1:8000") as client:
        until(lambda: client.get("/readyz").status_code == 200)
        yield client


def kept(settings: ServerSettings) -> dict[str, object]:
    return json.loads((settings.data / KEPT).read_text())  # type: ignore[no-any-return]


def test_the_share_of_refusals_counts_at_once_and_after_a_restart(client: TestClient, settings: ServerSettings) -> None:
    assert '<option value="0.05" selected>' in client.get("/settings").text
    page = client.post("/settings/refusals", data={"share": "0.1", "before": "0.05"})
    assert "It counts from the next question on." in page.text
    assert '<option value="0.1" selected>' in page.text
    assert client.app.state.services.settings.false_refusals == 0.1  # type: ignore[attr-defined]
    assert ServerSettings(data=settings.data).false_refusals == 0.1
    assert IndexerSettings(data=settings.data).false_refusals == 0.1
    assert (settings.data / KEPT).stat().st_mode & 0o077 == 0


def test_the_model_is_that_of_the_next_start(client: TestClient, settings: ServerSettings) -> None:
    assert '<option value="alpha" selected>' in client.get("/settings").text
    page = client.post("/settings/model", data={"model": "bravo", "before": "alpha"})
    assert "It writes the answers from the next start of Docent on." in page.text
    assert '<option value="bravo" selected>' in page.text
    assert resolve_model(settings) == settings.models_path / "bravo.gguf"


def test_what_another_window_has_changed_is_not_overwritten(client: TestClient, settings: ServerSettings) -> None:
    client.post("/settings/refusals", data={"share": "0.1", "before": "0.05"})
    stale = client.post("/settings/refusals", data={"share": "0.2", "before": "0.05"})
    assert stale.status_code == 409
    assert "it is now “10 in 100”" in stale.text
    client.post("/settings/model", data={"model": "bravo", "before": "alpha"})
    assert kept(settings) == {"false_refusals": 0.1, "model": "bravo"}, "one change keeps the other"


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("refusals", {"share": "0.9", "before": "0.05"}),
        ("refusals", {"share": "nan", "before": "0.05"}),
        ("refusals", {}),
        ("model", {"model": "../../etc/passwd", "before": "alpha"}),
        ("model", {"model": "charlie", "before": "alpha"}),
        ("password", {"password": "short", "again": "short"}),
        ("password", {"password": WORDS, "again": "another one"}),
        ("password", {"password": "x" * 201, "again": "x" * 201}),
    ],
)
def test_nothing_else_can_be_chosen(
    client: TestClient, settings: ServerSettings, path: str, form: dict[str, str]
) -> None:
    assert client.post(f"/settings/{path}", data=form).status_code == 400
    assert not (settings.data / KEPT).exists()


@pytest.mark.parametrize("path", ["refusals", "model", "password"])
def test_another_site_can_change_nothing(client: TestClient, settings: ServerSettings, path: str) -> None:
    form = {"share": "0.1", "before": "0.05", "model": "bravo", "password": WORDS, "again": WORDS}
    assert client.post(f"/settings/{path}", data=form, headers=FOREIGN).status_code == 403
    assert not (settings.data / KEPT).exists()


@pytest.mark.parametrize("path", ["refusals", "model", "password"])
def test_only_who_may_operate_changes_anything(client: TestClient, settings: ServerSettings, path: str) -> None:
    client.app.state.services.may_operate = lambda _request: False  # type: ignore[attr-defined]
    form = {"share": "0.1", "before": "0.05", "model": "bravo", "password": WORDS, "again": WORDS}
    assert client.post(f"/settings/{path}", data=form).status_code == 403
    assert not (settings.data / KEPT).exists()
    page = client.get("/settings").text
    assert page.count("Only who runs Docent may change this.") == 3
    assert '<button class="button">Save' not in page


def test_a_password_is_set_asked_for_changed_and_removed(client: TestClient, settings: ServerSettings) -> None:
    set_ = client.post("/settings/password", data={"password": WORDS, "again": WORDS})
    assert "Every other browser is asked for the new password." in set_.text
    assert WORDS not in (settings.data / KEPT).read_text()
    assert client.get("/").status_code == 200, "who set it need not give it"
    other = TestClient(client.app, base_url="http://127.0.0.1:8000")  # another browser
    assert other.get("/", follow_redirects=False).headers["location"] == "/login?next=/"
    assert other.post("/login", data={"password": "no"}).status_code == 401
    assert other.post("/login", data={"password": WORDS}).status_code == 200

    wrong = client.post("/settings/password", data={"password": "another one", "again": "another one"})
    assert wrong.status_code == 403
    right = {"current": WORDS, "password": "another one", "again": "another one"}
    assert client.post("/settings/password", data=right).status_code == 200
    assert other.get("/", follow_redirects=False).status_code == 303, "the old one does not do any more"

    gone = client.post("/settings/password", data={"current": "another one", "remove": "true"})
    assert "No password is asked for any more." in gone.text
    assert other.get("/", follow_redirects=False).status_code == 200
    assert kept(settings) == {}


def test_a_password_outlives_a_restart_and_opens_the_page_to_the_network(
    client: TestClient, settings: ServerSettings
) -> None:
    client.post("/settings/password", data={"password": WORDS, "again": WORDS})
    client.__exit__(None, None, None)
    outside = settings.model_copy(update={"host": "0.0.0.0", "api_key": SecretStr("key")})  # noqa: S104
    with TestClient(app_of(outside), base_url="http://127.0.0.1:8000") as again:
        assert again.get("/", follow_redirects=False).status_code == 303
        assert again.post("/login", data={"password": WORDS}).status_code == 200
        refused = again.post("/settings/password", data={"current": WORDS, "remove": "true"})
        assert refused.status_code == 403
        assert "needs a password" in refused.text
    client.__enter__()


def test_what_is_set_elsewhere_is_shown_and_cannot_be_changed(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(settings, {"handbook": HANDBOOK})
    keep(settings.data, false_refusals=0.2)
    monkeypatch.setenv("DOCENT_FALSE_REFUSALS", "0.02")
    monkeypatch.setenv("DOCENT_PASSWORD", WORDS)
    (settings.models_path).mkdir(parents=True)
    write_tiny_gguf(settings.models_path / "alpha.gguf")
    given = ServerSettings(data=settings.data, port=0, model="alpha")
    assert given.false_refusals == 0.02, "what was set where Docent is started wins"
    with TestClient(app_of(given), base_url="http://127.0.0.1:8000") as client:
        client.post("/login", data={"password": WORDS})
        page = re.sub("<[^>]+>", "", client.get("/settings").text)
        assert "It is set in the environment (DOCENT_FALSE_REFUSALS), and can be changed only there." in page
        assert "It is set in the environment (DOCENT_PASSWORD)" in page
        assert "It is set in the command that starts Docent (DOCENT_MODEL)" in page
        for path, form in (
            ("refusals", {"share": "0.1", "before": "0.02"}),
            ("model", {"model": "alpha", "before": "alpha"}),
            ("password", {"current": WORDS, "password": WORDS, "again": WORDS}),
        ):
            assert client.post(f"/settings/{path}", data=form).status_code == 403
    assert kept(settings) == {"false_refusals": 0.2}


@pytest.mark.parametrize("damaged", ["", "{", "[]", '"x"', "\xff"])
def test_a_damaged_file_is_told_and_nothing_is_guessed(settings: ServerSettings, damaged: str) -> None:
    settings.data.mkdir()
    (settings.data / KEPT).write_bytes(damaged.encode("latin-1"))
    with pytest.raises(StartError, match="cannot be read: it is damaged"):
        ServerSettings(data=settings.data)
