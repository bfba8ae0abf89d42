"""pip's configuration, read without pip."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from server.llm.sources import pip_settings as module
from server.llm.sources.pip_settings import PipSettings, config_files, default_index, pip_settings
from server.llm.sources.transfer import SourceFailed

INDEX = "https://mirror.example/simple"


def settings_of(tmp_path: Path, text: str, **environment: str) -> PipSettings:
    """With a configuration file of this text and nothing else of this machine's."""
    file = tmp_path / "pip.conf"
    file.write_text(text)
    return pip_settings(environment, [file])


def test_every_option_that_finding_a_wheel_needs(tmp_path: Path) -> None:
    found = settings_of(
        tmp_path,
        "[global]\n"
        f"index-url = {INDEX}\n"
        "extra-index-url =\n    https://one.example/simple\n    file:///srv/packages/simple\n"
        "find-links = /srv/wheels https://two.example/links.html\n"
        "trusted-host = one.example\n    two.example:8443\n"
        "cert = ~/ca.pem\nclient-cert = /etc/client.pem\nproxy = http://proxy.example:3128\ntimeout = 60\n",
    )
    assert found == PipSettings(
        indexes=(INDEX, "https://one.example/simple", "file:///srv/packages/simple"),
        find_links=("/srv/wheels", "https://two.example/links.html"),
        trusted_hosts=frozenset({"one.example", "two.example:8443"}),
        cert=str(Path("~/ca.pem").expanduser()),
        client_cert="/etc/client.pem",
        proxy="http://proxy.example:3128",
        timeout=60,
    )


def test_the_environment_wins_over_files_and_the_section_of_install_over_global(tmp_path: Path) -> None:
    text = (
        "[install]\nindex-url = https://install.example/simple\n[global]\nindex-url = https://global.example/simple\n"
    )
    assert settings_of(tmp_path, text).indexes == ("https://install.example/simple",)
    assert settings_of(tmp_path, text, PIP_INDEX_URL=INDEX).indexes == (INDEX,)
    assert settings_of(tmp_path, text, PIP_INDEX_URL="").indexes == ("https://install.example/simple",)


def test_names_may_be_written_in_pips_other_ways(tmp_path: Path) -> None:
    found = settings_of(tmp_path, f"[global]\nINDEX_URL = {INDEX}\n--find-links = /srv\n", PIP_DEFAULT_TIMEOUT="180")
    assert (found.indexes, found.find_links, found.timeout) == ((INDEX,), ("/srv",), 180)


def test_no_index_leaves_the_folders(tmp_path: Path) -> None:
    found = settings_of(tmp_path, f"[global]\nno-index = yes\nindex-url = {INDEX}\nfind-links = /srv\n")
    assert (found.indexes, found.find_links) == ((), ("/srv",))


def test_a_timeout_that_is_no_number_is_pips_own(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "[global]\ntimeout = soon\n").timeout == 15


def test_the_bundles_that_pips_library_knows_are_trusted(tmp_path: Path) -> None:
    assert settings_of(tmp_path, "", REQUESTS_CA_BUNDLE="/etc/ca.pem").cert == "/etc/ca.pem"
    assert settings_of(tmp_path, "", REQUESTS_CA_BUNDLE="/etc/ca.pem", PIP_CERT="/etc/own.pem").cert == "/etc/own.pem"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match=r"pip\.conf cannot be read"):
        settings_of(tmp_path, "index-url = outside of every section\n")


def test_a_folder_of_ones_own_a_site_and_everybodys(tmp_path: Path) -> None:
    environment = {"HOME": "/h", "XDG_CONFIG_DIRS": "/etc/a:/etc/b"}
    assert [str(path) for path in config_files(environment, "linux", "/venv")] == [
        "/etc/a/pip/pip.conf",
        "/etc/b/pip/pip.conf",
        "/etc/pip.conf",
        "/h/.pip/pip.conf",
        "/h/.config/pip/pip.conf",
        "/venv/pip.conf",
    ]
    named = tmp_path / "named.conf"
    named.write_text("")
    found = config_files({**environment, "PIP_CONFIG_FILE": str(named)}, "linux", "/venv")
    assert [str(path) for path in found[3:]] == ["/venv/pip.conf", str(named)]
    assert config_files({**environment, "PIP_CONFIG_FILE": os.devnull}, "linux", "/venv") == []


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("darwin", ["/Library/Application Support/pip/pip.conf", "/h/.config/pip/pip.conf", "/venv/pip.conf"]),
        ("win32", ["C:/ProgramData/pip/pip.ini", "/h/pip/pip.ini", "/roaming/pip/pip.ini", "/venv/pip.ini"]),
    ],
)
def test_other_systems_have_other_places(platform: str, expected: list[str]) -> None:
    found = [path.as_posix() for path in config_files({"HOME": "/h", "APPDATA": "/roaming"}, platform, "/venv")]
    assert [path for path in found if path in expected] == expected


def test_the_particular_file_wins_option_by_option_and_a_missing_one_is_none(tmp_path: Path) -> None:
    general, own = tmp_path / "general.conf", tmp_path / "own.conf"
    general.write_text("[global]\nindex-url = https://everybody.example/simple\nproxy = http://proxy.example\n")
    own.write_text(f"[global]\nindex-url = {INDEX}\n")
    found = pip_settings({}, [general, tmp_path / "missing.conf", own])
    assert (found.indexes, found.proxy) == ((INDEX,), "http://proxy.example")


def test_the_default_is_the_one_that_pip_itself_has(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"],
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode:
        pytest.skip("there is no pip to compare with")
    assert default_index().rstrip("/") == said.stdout.strip().rstrip("/")
    assert settings_of(tmp_path, "").indexes == (default_index(),)


def test_without_pip_the_one_that_python_brings_knows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "pip-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("pip/_internal/models/index.py", 'PyPI = PackageIndex(\n    "https://index.example/", "x")\n')
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(module.sysconfig, "get_config_var", lambda _name: str(tmp_path))
    assert default_index() == "https://index.example/simple/"


def test_without_any_pip_there_is_no_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(module.sysconfig, "get_config_var", lambda _name: None)
    assert default_index() == ""
    assert settings_of(tmp_path, "").indexes == ()
    assert settings_of(tmp_path, "", PIP_EXTRA_INDEX_URL=INDEX).indexes == (INDEX,)


def test_nothing_of_pip_is_imported() -> None:
    code = (
        "import sys\nfrom server.llm.sources.pip_settings import pip_settings\npip_settings()\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('pip', 'ensurepip')])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
