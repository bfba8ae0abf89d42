"""Where a wheel lies: asked of the folders and package indexes that pip is configured with.

Indexes are read as PEP 503 (pages of links) and PEP 691 (JSON) say, over HTTP or from a `file:` address; folders and
pages of links as pip's option `find-links` says. What lies on this machine is looked at first. Credentials come from
the addresses themselves or from netrc, and never stand in a message.
"""

import json
import netrc
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urldefrag, urljoin, urlsplit, urlunsplit
from urllib.request import url2pathname

import httpx
import truststore

from server.llm.sources.download import Request
from server.llm.sources.pip_settings import PipSettings
from server.llm.sources.transfer import SourceFailed, Watch, blocks

PAGE_LIMIT = 32 << 20  # bytes of an index's page about one project
ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
WHEEL_NAME = re.compile(r"[\w.+!-]+\.whl", re.ASCII)
SHA256 = re.compile(r"[0-9a-f]{64}")
AGENT = "docent"


@dataclass(frozen=True)
class WheelFile:
    """A wheel that an index or a folder has."""

    name: str
    where: Path | str  # on this machine, or an address
    sha256: str = ""  # as the index says; empty: it does not
    size: int = 0  # bytes, as the index says; 0: it does not
    place: str = ""  # who has it, for people


class PackageIndex:
    """All places of `settings` as one. May be used by several threads."""

    def __init__(self, settings: PipSettings) -> None:
        self._settings = settings
        self._failed: dict[str, str] = {}  # places that could not be asked, and why: they are not asked again
        self._clients: dict[bool, httpx.Client] = {}  # by whether certificates are checked
        places = [(_shown(place), place, False) for place in settings.find_links]
        places += [(_shown(place), place, True) for place in settings.indexes]
        self._places = sorted(places, key=lambda place: _local(place[1]) is None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for client in self._clients.values():
            client.close()

    def wheel(self, project: str, version: str, watch: Watch) -> WheelFile:
        """The wheel of exactly this version. Raises SourceFailed if nobody has it, PullCancelled."""
        for shown, place, is_index in self._places:
            if shown in self._failed:
                continue
            try:
                found = [link for link in self._links(place, is_index, project, watch) if _is(link, project, version)]
            except SourceFailed as failure:
                self._failed[shown] = failure.reason
                continue
            if found:
                return min(found, key=lambda link: not link.name.endswith("-none-any.whl"))
        if not self._places:
            raise SourceFailed(
                "No package index is known: pip is told not to use one, or is not installed.",
                "Set PIP_INDEX_URL to the address of one.",
            )
        asked = ", ".join(shown for shown, *_ in self._places if shown not in self._failed)
        missing = [f"No wheel of {project} {version} in {asked}."] if asked else []
        raise SourceFailed(" ".join([*missing, *self._failed.values()]))

    def request(self, wheel: WheelFile, limit: int) -> Request:
        """How to download a wheel that is not on this machine."""
        url = str(wheel.where)
        return Request(self._client(url), url, wheel.name, wheel.size, limit, {"User-Agent": AGENT}, self._auth(url))

    def _links(self, place: str, is_index: bool, project: str, watch: Watch) -> Iterator[WheelFile]:
        """All wheels that a place names for a project, or at all."""
        folder = _local(place)
        page = f"{place.rstrip('/')}/{_normal(project)}/" if is_index else place
        if folder is None:
            yield from self._remote_links(page, _shown(place), watch)
        else:
            yield from _local_links(folder / _normal(project) if is_index else folder, _shown(place))

    def _remote_links(self, page: str, place: str, watch: Watch) -> Iterator[WheelFile]:
        answer = self._page(page, place, watch)
        if answer is None:
            return
        base, kind, body = answer
        links = _from_json(body, base) if kind.endswith("json") else _from_html(body, base)
        for link in links:
            if urlsplit(str(link.where)).scheme in ("http", "https"):  # never a file of this machine
                yield WheelFile(link.name, link.where, link.sha256, link.size, place)

    def _page(self, url: str, place: str, watch: Watch) -> tuple[str, str, bytes] | None:
        """Address after redirects, media type and body; None where there is no such page. Raises SourceFailed."""

        def read() -> Iterator[tuple[httpx.Response, bytes]]:
            headers = {"Accept": ACCEPT, "User-Agent": AGENT}
            auth = self._auth(url) or httpx.USE_CLIENT_DEFAULT
            with self._client(url).stream(
                "GET", _shown(url), headers=headers, auth=auth, follow_redirects=True, timeout=watch.patience + 1
            ) as response:
                yield response, b""
                yield from ((response, block) for block in response.iter_bytes())

        body = bytearray()
        watch = Watch(cancelled=watch.cancelled, source=_sentence(place), patience=watch.patience)
        try:
            for response, block in blocks(read, watch):
                body += block
                if response.status_code in (404, 410):
                    return None
                if not response.is_success:
                    raise SourceFailed(f"{_sentence(place)} answered with HTTP status {response.status_code}.")
                if len(body) > PAGE_LIMIT:
                    raise SourceFailed(f"{_sentence(place)} sends a page of more than {PAGE_LIMIT >> 20} MiB.")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceFailed(f"{_sentence(place)} could not be reached ({error}).") from error
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return str(response.url), kind, bytes(body)

    def _client(self, url: str) -> httpx.Client:
        parts = urlsplit(url)
        checked = not self._settings.trusted_hosts & {parts.hostname, parts.netloc.rpartition("@")[2]}
        if checked not in self._clients:
            try:
                self._clients[checked] = httpx.Client(
                    verify=_trust(self._settings, checked), proxy=self._settings.proxy or None
                )
            except (OSError, ValueError, httpx.InvalidURL) as error:
                raise SourceFailed(f"pip's settings cert, client-cert or proxy cannot be used ({error}).") from error
        return self._clients[checked]

    def _auth(self, url: str) -> httpx.BasicAuth | None:
        """Credentials for a host: from the address, from a configured address of the same host, from netrc."""
        host = urlsplit(url).netloc.rpartition("@")[2]
        for known in (url, *self._settings.indexes, *self._settings.find_links):
            parts = urlsplit(known)
            if parts.username and parts.netloc.rpartition("@")[2] == host:
                return httpx.BasicAuth(unquote(parts.username), unquote(parts.password or ""))
        try:
            found = netrc.netrc().authenticators(urlsplit(url).hostname or "")
        except (OSError, netrc.NetrcParseError):  # there is none, or it is no help to anybody
            return None
        return httpx.BasicAuth(found[0] or found[1] or "", found[2] or "") if found else None


class _Anchors(HTMLParser):
    """Collects where the links of a page lead, and the address they start from."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        href = dict(attributes).get("href") or ""
        if tag == "base" and href:
            self.base = urljoin(self.base, href)
        elif tag == "a" and href:
            self.links.append(href)


def _from_html(body: bytes, base: str) -> Iterator[WheelFile]:
    anchors = _Anchors(base)
    anchors.feed(body.decode("utf-8", "replace"))
    for href in anchors.links:
        url, fragment = urldefrag(urljoin(anchors.base, href))
        name = unquote(urlsplit(url).path.rpartition("/")[2])
        sha256 = fragment.removeprefix("sha256=")
        if WHEEL_NAME.fullmatch(name):
            yield WheelFile(name, url, sha256 if SHA256.fullmatch(sha256) else "")


def _from_json(body: bytes, base: str) -> Iterator[WheelFile]:
    """PEP 691, and sizes as PEP 700 adds them; what is not as they say is passed over."""
    try:
        page = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceFailed(f"{_sentence(_shown(base))} sends a page that is not JSON, as it says it is.") from error
    files = page.get("files") if isinstance(page, dict) else None
    for entry in files if isinstance(files, list) else ():
        if not isinstance(entry, dict):
            continue
        name, url, size, hashes = (entry.get(key) for key in ("filename", "url", "size", "hashes"))
        sha256 = hashes.get("sha256") if isinstance(hashes, dict) else ""
        if isinstance(name, str) and isinstance(url, str) and WHEEL_NAME.fullmatch(name):
            known = sha256 if isinstance(sha256, str) and SHA256.fullmatch(sha256) else ""
            yield WheelFile(name, urljoin(base, url), known, size if isinstance(size, int) and size > 0 else 0)


def _local_links(folder: Path, place: str) -> Iterator[WheelFile]:
    """Of a folder of wheels, or of a page of links that lies on this machine."""
    try:
        page = folder / "index.html" if folder.is_dir() else folder
        if page.is_file() and page.suffix.lower() in (".html", ".htm"):
            base = page.parent.absolute().as_uri() + "/"
            for link in _from_html(page.read_bytes()[:PAGE_LIMIT], base):
                path = _local(str(link.where))
                yield WheelFile(link.name, path or link.where, link.sha256, 0, place)
        elif folder.is_dir():
            yield from (WheelFile(path.name, path, place=place) for path in sorted(folder.glob("*.whl")))
    except OSError as error:
        raise SourceFailed(f"{_sentence(place)} cannot be read ({error.strerror}).") from error


def _is(link: WheelFile, project: str, version: str) -> bool:
    fields = link.name.split("-")
    return _normal(fields[0]) == _normal(project) and fields[1:2] == [version]


def _normal(project: str) -> str:
    """A project's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", project).lower()


def _local(place: str) -> Path | None:
    """The path that an address or a setting means, None for what is on another machine."""
    parts = urlsplit(place)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return None if parts.scheme in ("http", "https") else Path(place).expanduser()


def _shown(address: str) -> str:
    """An address without user name and password."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts.scheme else address


def _sentence(place: str) -> str:
    return f"The package index {place}"


def _trust(settings: PipSettings, checked: bool) -> ssl.SSLContext:
    if not checked:
        trust = ssl.create_default_context()
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
    elif settings.cert:
        is_folder = Path(settings.cert).is_dir()
        trust = ssl.create_default_context(
            cafile=None if is_folder else settings.cert, capath=settings.cert if is_folder else None
        )
    else:
        trust = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if settings.client_cert:
        trust.load_cert_chain(settings.client_cert)
    return trust
