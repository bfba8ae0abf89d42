"""Where packages come from on this machine, as pip is told: its configuration files and its environment variables.

pip itself is not imported, and need not be installed. As pip does: files from the most general to the most particular,
later ones win; in them the section `[global]`, then `[install]`; variables PIP_* last. Raises SourceFailed for a file
that pip could not read either.
"""

import configparser
import importlib.util
import os
import re
import sys
import sysconfig
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from server.llm.sources.transfer import SourceFailed

SECTIONS = ("global", "install")
TRUE = frozenset({"y", "yes", "t", "true", "on", "1"})  # as pip reads them
DEFAULT_TIMEOUT = 15.0  # seconds; pip's own
INDEX_FILE = "_internal/models/index.py"  # in pip: where its own index is written down
OWN_INDEX = re.compile(r"^PyPI = PackageIndex\(\s*[\"'](https?://[^\"']+)[\"']", re.MULTILINE)


@dataclass(frozen=True)
class PipSettings:
    """What of pip's configuration finding a wheel needs."""

    indexes: tuple[str, ...] = ()  # addresses: index-url, or pip's own where that is not set; then extra-index-url
    find_links: tuple[str, ...] = ()  # folders or pages of links
    trusted_hosts: frozenset[str] = frozenset()  # `host` or `host:port`, whose certificates are not checked
    cert: str = ""  # file or folder of certificates to trust; empty: those of the system
    client_cert: str = ""  # file with a certificate and its key
    proxy: str = ""  # empty: as HTTPS_PROXY and its like say
    timeout: float = DEFAULT_TIMEOUT  # seconds of silence


def pip_settings(environment: Mapping[str, str] = os.environ, files: Sequence[Path] | None = None) -> PipSettings:
    """The settings for a process with this environment, from `config_files` unless told otherwise."""
    options = _options(environment, config_files(environment) if files is None else files)

    def words(name: str) -> tuple[str, ...]:
        return tuple(options.get(name, "").split())

    indexes = () if options.get("no-index", "").lower() in TRUE else (_index(options), *words("extra-index-url"))
    cert = options.get("cert") or environment.get("REQUESTS_CA_BUNDLE") or environment.get("CURL_CA_BUNDLE") or ""
    return PipSettings(
        indexes=tuple(dict.fromkeys(filter(None, indexes))),
        find_links=words("find-links"),
        trusted_hosts=frozenset(words("trusted-host")),
        cert=_expanded(cert),
        client_cert=_expanded(options.get("client-cert", "")),
        proxy=options.get("proxy", ""),
        timeout=_seconds(options.get("timeout") or options.get("default-timeout") or ""),
    )


def config_files(environment: Mapping[str, str], platform: str = sys.platform, prefix: str = sys.prefix) -> list[Path]:
    """Where pip looks for its configuration, the most particular last."""
    named = environment.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    home = Path(environment.get("HOME") or environment.get("USERPROFILE") or Path.home())
    if platform == "win32":
        everyone = [Path(environment.get("PROGRAMDATA", "C:/ProgramData")) / "pip" / "pip.ini"]
        own = [home / "pip" / "pip.ini", Path(environment.get("APPDATA", home)) / "pip" / "pip.ini"]
    elif platform == "darwin":
        everyone = [Path("/Library/Application Support/pip/pip.conf")]
        support = home / "Library" / "Application Support" / "pip"
        own = [home / ".pip" / "pip.conf", (support if support.is_dir() else home / ".config" / "pip") / "pip.conf"]
    else:
        folders = (environment.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
        everyone = [*(Path(folder) / "pip" / "pip.conf" for folder in folders), Path("/etc/pip.conf")]
        config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
        own = [home / ".pip" / "pip.conf", config / "pip" / "pip.conf"]
    if named and Path(named).exists():
        own = []  # the named file takes their place
    site = Path(prefix) / ("pip.ini" if platform == "win32" else "pip.conf")
    return [*everyone, *own, site, *([Path(named)] if named else [])]


def default_index() -> str:
    """The index that pip asks where nothing else is set, as pip has it written down; empty if there is no pip at all.

    Read from the pip that is installed, else from the one that Python brings for making environments.
    """
    for text in _index_sources():
        found = OWN_INDEX.search(text)
        if found:
            return urljoin(found[1], "simple/")
    return ""


def _index_sources() -> Iterator[str]:
    installed = importlib.util.find_spec("pip")
    for folder in (installed.submodule_search_locations or ()) if installed else ():
        file = Path(folder) / INDEX_FILE
        if file.is_file():
            yield file.read_text(encoding="utf-8")
    brought = importlib.util.find_spec("ensurepip")
    folders = [Path(folder) / "_bundled" for folder in (brought.submodule_search_locations or ())] if brought else []
    elsewhere = sysconfig.get_config_var("WHEEL_PKG_DIR")  # where a Linux distribution keeps it
    for bundle in [*folders, *([Path(elsewhere)] if elsewhere else [])]:
        for wheel in sorted(bundle.glob("pip-*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                yield archive.read(f"pip/{INDEX_FILE}").decode("utf-8")


def _index(options: Mapping[str, str]) -> str:
    return options.get("index-url") or options.get("pypi-url") or default_index()


def _options(environment: Mapping[str, str], files: Sequence[Path]) -> dict[str, str]:
    """Every option that is set, by its long name without the dashes."""
    found: dict[tuple[str, str], str] = {}
    for path in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(path)
        except (configparser.Error, UnicodeDecodeError) as error:
            reason = str(error).splitlines()[0]
            raise SourceFailed(
                f"pip's configuration file {path} cannot be read ({reason}).", "Mend that file."
            ) from error
        for section in parser.sections():
            found |= {(section, _normal(name)): value for name, value in parser.items(section)}
    variables = {_normal(name[4:]): value for name, value in environment.items() if name.startswith("PIP_")}
    layers = [{name: value for (at, name), value in found.items() if at == section} for section in SECTIONS]
    return {name: value.strip() for layer in [*layers, variables] for name, value in layer.items() if value.strip()}


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").removeprefix("--")


def _expanded(path: str) -> str:
    return str(Path(path).expanduser()) if path else ""


def _seconds(text: str) -> float:
    try:
        return max(1.0, float(text))
    except ValueError:
        return DEFAULT_TIMEOUT
