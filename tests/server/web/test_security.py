"""What is refused before a route sees it, each beside a request that passes."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from pydantic import SecretStr

from indexer.client import read_address
from indexer.errors import StartError
from server.commands.serve import uvicorn_config
from server.settings import ServerSettings
from server.web.security import BODY_LIMIT, HEADERS, check_exposure, host_name, trusted_proxies
from tests.server.fakes import HANDBOOK, app_of, fill

QUESTION = {"model": "docent", "messages": [{"role": "user", "content": "How many days of annual leave?"}]}
ANYWHERE = "0.0.0.0"  # noqa: S104 (nothing listens on it here)


@pytest.fixture
def client(settings: ServerSettings) -> Iterator[TestClient]:
    fill(settings, {"handbook": HANDBOOK})
    with TestClient(app_of(settings), base_url="http://127.0.0.1:8000") as client:
        yield client


@pytest.fixture
def locked(settings: ServerSettings) -> Iterator[TestClient]:
    """A server with a key and a password."""
    fill(settings, {"handbook": HANDBOOK})
    settings = settings.model_copy(
        update={
            "api_key": SecretStr("the key"),
            "password": SecretStr("secret"),
            "hosts": "docent.example, Other.example",
        }
    )
    with TestClient(app_of(settings), base_url="http://127.0.0.1:8000") as client:
        yield client


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000", "127.0.0.1"])
def test_loopback_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8000",
        ANYWHERE,
        "192.168.1.5",
        "[::]",
        "docent",
    ],
)
@pytest.mark.parametrize("path", ["/healthz", "/", "/v1/models", "/static/app.css"])
def test_a_foreign_host_is_refused(client: TestClient, host: str, path: str) -> None:
    response = client.get(path, headers={"Host": host})

    assert response.status_code == 421
    assert "DOCENT_HOSTS" in response.text


@pytest.mark.parametrize(
    "host", ["", "a@127.0.0.1", "127.0.0.1:port", "127.0.0.1/x", "[::1", "127.0.0.1:99999", "a b?"]
)
def test_a_malformed_host_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code in (400, 421)


def test_two_hosts_are_none(client: TestClient) -> None:
    """A proxy may look at one of them and this server at the other."""
    headers = [("Host", "127.0.0.1"), ("Host", "evil.example")]

    assert client.get("/healthz", headers=headers).status_code == 400


def test_configured_hosts_are_answered(locked: TestClient) -> None:
    assert locked.get("/healthz", headers={"Host": "docent.example"}).status_code == 200
    assert locked.get("/healthz", headers={"Host": "other.example:443"}).status_code == 200
    assert locked.get("/healthz", headers={"Host": "third.example"}).status_code == 421


def test_an_address_is_answered_where_the_server_listens_beyond_loopback(settings: ServerSettings) -> None:
    """Names can be rebound to this machine, addresses cannot."""
    update = {"host": ANYWHERE, "api_key": SecretStr("k"), "password": SecretStr("p")}
    with TestClient(app_of(settings.model_copy(update=update)), base_url="http://127.0.0.1") as client:
        assert client.get("/healthz", headers={"Host": "192.168.1.5:8000"}).status_code == 200
        assert client.get("/healthz", headers={"Host": "evil.example"}).status_code == 421
        assert client.get("/healthz", headers={"Host": "0.0.0.0:8000"}).status_code == 421


@pytest.mark.parametrize(
    ("host", "name"),
    [("a.example:80", "a.example"), ("[::1]:80", "::1"), ("A", "a"), ("", None), ("a:b", None), ("u@a", None)],
)
def test_host_name(host: str, name: str | None) -> None:
    assert host_name(host) == name


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_own_pages_and_programs_may_post(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/v1/chat/completions", json=QUESTION, headers=headers).status_code == 200
    assert client.post("/theme", data={"theme": "dark"}, headers=headers).status_code < 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9000"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_of_other_sites_may_not_post(client: TestClient, headers: dict[str, str]) -> None:
    api = client.post("/v1/chat/completions", json=QUESTION, headers=headers)
    page = client.post("/theme", data={"theme": "dark"}, headers=headers)

    assert (api.status_code, api.json()["error"]["type"]) == (403, "permission_error")
    assert page.status_code == 403
    assert page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_the_api_takes_json_only(client: TestClient, media_type: str) -> None:
    """A form or text/plain can be sent by any page without asking the server first; JSON cannot."""
    response = client.post("/v1/chat/completions", content=b"{}", headers={"Content-Type": media_type})

    assert response.status_code == 415
    assert "application/json" in response.json()["error"]["message"]


def test_pages_take_forms_only_and_files_only_where_they_are_uploaded(client: TestClient) -> None:
    assert client.post("/theme", json={"theme": "dark"}).status_code == 415
    assert client.post("/theme", data={"theme": "dark"}, files={"a": b"x"}).status_code == 415
    assert client.post("/documents/upload", data={"collection": "a"}).status_code == 415
    assert client.post("/theme", data={"theme": "dark"}).status_code < 400


def test_a_body_that_says_it_is_too_large_is_refused(client: TestClient) -> None:
    response = client.post(
        "/v1/chat/completions", content=b"x" * (BODY_LIMIT + 1), headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 413
    assert "1024 KiB" in response.json()["error"]["message"]


def test_a_body_that_does_not_say_how_long_it_is_is_counted(client: TestClient) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(BODY_LIMIT // 65536 + 1):
            yield b" " * 65536

    response = client.post("/v1/chat/completions", content=parts(), headers={"Content-Type": "application/json"})

    assert response.status_code == 413
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_a_key_is_asked_for_where_one_is_set(locked: TestClient) -> None:
    def status(value: str | None, path: str = "/v1/models") -> int:
        return locked.get(path, headers={} if value is None else {"Authorization": value}).status_code

    assert status("Bearer the key") == status("bearer the key") == 200
    for wrong in (None, "", "Bearer", "Bearer ", "Bearer the ke", "Bearer the key2", "Basic dGhlIGtleQ==", "the key"):
        assert status(wrong) == 401, wrong
    assert status(None, "/metrics") == 401
    assert status("Bearer the key", "/metrics") == 200
    assert status(None, "/healthz") == status(None, "/readyz") == 200


def test_what_is_wrong_with_a_part_is_told_only_to_who_has_the_key(locked: TestClient) -> None:
    """Its sentences name models, files and folders."""
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        parts = locked.get("/readyz", headers=headers).json()["parts"]
        assert {"database", "index", "search_model", "language_model"} == parts.keys()
        assert all(part.keys() == {"state"} for part in parts.values())
    told = locked.get("/readyz", headers={"Authorization": "Bearer the key"}).json()["parts"]
    assert all(part["detail"] for part in told.values())


def test_a_wrong_key_is_told_in_the_api_s_shape(locked: TestClient) -> None:
    response = locked.post("/v1/chat/completions", json=QUESTION, headers={"Authorization": "Bearer nö".encode()})

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["error"]["code"] == "invalid_api_key"
    assert response.json()["error"]["type"] == "authentication_error"


def test_commands_on_this_machine_have_a_key_of_their_own(locked: TestClient, settings: ServerSettings) -> None:
    address = read_address(settings.server_file)

    assert address is not None
    assert (settings.server_file.stat().st_mode & 0o777) == 0o600
    assert locked.get("/v1/models", headers={"Authorization": f"Bearer {address.token}"}).status_code == 200
    assert address.token not in repr(address)


def test_no_key_is_needed_on_loopback(client: TestClient) -> None:
    assert client.get("/v1/models").status_code == 200
    assert client.get("/v1/models", headers={"Authorization": "Bearer anything"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/v1/models", "/healthz", "/nothing", "/v1/nothing"])
def test_every_response_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers

    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in headers["content-security-policy"]


def test_refusals_carry_the_security_headers_too(client: TestClient) -> None:
    headers = client.get("/", headers={"Host": "evil.example"}).headers

    assert {name: headers[name] for name in HEADERS} == HEADERS


def test_hashed_files_may_be_kept(client: TestClient) -> None:
    assert client.get("/static/app.css").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("set_", "missing"),
    [
        ({}, "DOCENT_API_KEY and DOCENT_PASSWORD"),
        ({"api_key": SecretStr("k")}, "set DOCENT_PASSWORD,"),
        ({"password": SecretStr("p")}, "set DOCENT_API_KEY,"),
        ({"api_key": SecretStr(""), "password": SecretStr("p")}, "set DOCENT_API_KEY,"),
    ],
)
def test_an_open_address_needs_a_key_and_a_password(tmp_path: Path, set_: dict[str, SecretStr], missing: str) -> None:
    with pytest.raises(StartError, match=missing) as caught:
        check_exposure(ServerSettings(data=tmp_path, host=ANYWHERE, **set_))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2


def test_a_guarded_address_may_be_open(tmp_path: Path) -> None:
    check_exposure(ServerSettings(data=tmp_path, host=ANYWHERE, api_key=SecretStr("k"), password=SecretStr("p")))
    check_exposure(ServerSettings(data=tmp_path, host="127.0.0.1"))


@pytest.mark.parametrize(
    ("proxies", "peer", "seen"),
    [
        ("", "127.0.0.1", "http from 127.0.0.1"),
        ("10.0.0.9", "127.0.0.1", "http from 127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "https from 203.0.113.7"),
        ("10.0.0.0/24, ::1", "10.0.0.77", "https from 203.0.113.7"),
        ("10.0.0.0/24", "10.0.1.77", "http from 10.0.1.77"),
    ],
)
async def test_only_a_named_proxy_is_believed_about_who_asks(
    settings: ServerSettings, proxies: str, peer: str, seen: str
) -> None:
    app = FastAPI()

    @app.get("/")
    def who(request: Request) -> str:
        assert request.client is not None
        return f"{request.url.scheme} from {request.client.host}"

    config = uvicorn_config(app, settings.model_copy(update={"trusted_proxies": proxies}))
    config.load()
    transport = httpx.ASGITransport(config.loaded_app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://docent") as client:
        headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", "X-Forwarded-Proto": "https"}
        assert (await client.get("/", headers=headers)).json() == seen


@pytest.mark.parametrize(
    ("proxies", "what"),
    [("nginx", "neither an address nor a network"), ("10.0.0.1; x", "neither"), ("*", "neither")]
    + [(everybody, "which is everybody") for everybody in ("0.0.0.0/0", "::/0", "127.0.0.1, 0.0.0.0/0")],
)
def test_a_proxy_that_is_none_or_everybody_is_refused(settings: ServerSettings, proxies: str, what: str) -> None:
    with pytest.raises(StartError, match=what):
        trusted_proxies(settings.model_copy(update={"trusted_proxies": proxies}))


def test_the_cookie_is_for_https_alone_behind_a_proxy_that_speaks_it(settings: ServerSettings) -> None:
    fill(settings, {"handbook": HANDBOOK})
    with TestClient(app_of(settings), base_url="https://127.0.0.1:8000") as client:
        assert "Secure" in client.get("/").headers["set-cookie"]
