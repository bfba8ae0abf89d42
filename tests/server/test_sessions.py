"""The owner's cookie cannot be made up, the secret is made once, and passwords cannot be tried quickly."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi import Response
from fastapi.testclient import TestClient
from pydantic import SecretStr

from indexer.errors import StorageError
from server.errors import TooBusy
from server.login_limit import OF_ONE_BROWSER
from server.sessions import Sessions, Visitor, load_secret
from server.settings import ServerSettings
from tests.server.fakes import app_of


def cookie_of(sessions: Sessions, visitor: Visitor, *, https: bool = False) -> str:
    response = Response()
    sessions.write(response, visitor, https=https)
    return response.headers["set-cookie"]


def value_of(cookie: str) -> dict[str, str]:
    name, _, value = cookie.partition(";")[0].partition("=")
    return {name: value}


def test_a_visitor_is_known_again(settings: ServerSettings) -> None:
    sessions = Sessions(settings)
    visitor = sessions.newcomer()
    cookie = cookie_of(sessions, visitor)
    assert sessions.read(value_of(cookie)) == visitor
    assert Sessions(settings).read(value_of(cookie)) == visitor  # after a restart
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Max-Age=31536000" in cookie
    assert "Secure" not in cookie
    assert "Secure" in cookie_of(sessions, visitor, https=True)


@pytest.mark.parametrize(("days", "known"), [(-400, True), (-1, True), (364, True), (366, False)])
def test_a_visitor_is_known_for_a_year_whatever_the_clock_is_set_to(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch, days: int, known: bool
) -> None:
    """A clock that ran ahead and is set right again has signed cookies in the future."""
    sessions, now = Sessions(settings), time.time()
    visitor = sessions.newcomer()
    cookie = value_of(cookie_of(sessions, visitor))
    monkeypatch.setattr(time, "time", lambda: now + days * 24 * 3600)
    assert sessions.read(cookie) == (visitor if known else None)


@pytest.mark.parametrize("value", ["", "x", "e30.x.y", '{"owner": "ann"}'])
def test_a_cookie_that_is_not_ours_is_nobody(settings: ServerSettings, value: str) -> None:
    sessions = Sessions(settings)
    assert sessions.read({sessions.cookie: value}) is None


def test_a_cookie_of_another_server_is_nobody(settings: ServerSettings, tmp_path: Path) -> None:
    other = Sessions(ServerSettings(data=tmp_path / "other"))
    (value,) = value_of(cookie_of(other, other.newcomer())).values()
    ours = Sessions(settings)
    assert ours.cookie != other.cookie
    assert ours.read({ours.cookie: value}) is None


def test_a_changed_password_asks_everyone_again(settings: ServerSettings) -> None:
    old = Sessions(settings.model_copy(update={"password": SecretStr("old")}))
    assert not old.newcomer().admitted
    cookie = value_of(cookie_of(old, Visitor("ann", admitted=True)))
    assert old.read(cookie) == Visitor("ann", admitted=True, known=True)
    new = Sessions(settings.model_copy(update={"password": SecretStr("new")}))
    assert new.read(cookie) == Visitor("ann", admitted=False, known=True)


def test_a_login_makes_somebody_new_of_who_was_nobody(settings: ServerSettings) -> None:
    """Else who planted the cookie would know whose conversations it names."""
    sessions = Sessions(settings.model_copy(update={"password": SecretStr("pässword")}))
    planted = value_of(cookie_of(sessions, sessions.newcomer()))
    before = sessions.read(planted)
    after = sessions.log_in("pässword", planted, "10.0.0.1")
    assert before is not None
    assert after is not None
    assert after.admitted
    assert after.owner != before.owner
    assert sessions.read(planted) == before
    assert sessions.log_in("wrong", planted, "10.0.0.1") is None


def test_a_browser_keeps_its_conversations_over_a_change_of_password(settings: ServerSettings) -> None:
    old = Sessions(settings.model_copy(update={"password": SecretStr("old")}))
    cookie = value_of(cookie_of(old, Visitor("ann", admitted=True)))
    new = Sessions(settings.model_copy(update={"password": SecretStr("new")}))
    assert new.log_in("new", cookie, "10.0.0.1") == Visitor("ann", admitted=True, known=True)


def test_passwords_cannot_be_tried_quickly(settings: ServerSettings) -> None:
    sessions = Sessions(settings.model_copy(update={"password": SecretStr("pässword")}))
    for _ in range(OF_ONE_BROWSER):
        assert sessions.log_in("guess", {}, "10.0.0.1") is None
    with pytest.raises(TooBusy, match="Wait a minute"):
        sessions.log_in("pässword", {}, "10.0.0.1")
    assert sessions.log_in("pässword", {}, "10.0.0.2")


def test_the_secret_is_made_once_for_all_that_start_together(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret"
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(load_secret, [path] * 32))
    assert len(secrets) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["secret"]


def test_a_damaged_secret_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"short")
    with pytest.raises(StorageError, match="Delete it"):
        load_secret(tmp_path / "secret")


def test_a_server_whose_secret_is_damaged_does_not_start(settings: ServerSettings) -> None:
    settings.data.mkdir()
    (settings.data / "secret").write_bytes(b"short")
    with pytest.raises(StorageError, match="Delete it"), TestClient(app_of(settings)):
        pass
