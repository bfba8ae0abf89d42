"""What is refused before a route sees it, and the headers that every response carries. Pure ASGI: streams stream.

A server on loopback needs no key, but a web page that rebinds its name to 127.0.0.1, or posts a form to it, would read
the company's documents with the employee's own browser: hence the checks of Host, Origin and content type.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.errors import StartError
from server.errors import Forbidden, RequestError, Unauthorised
from server.library.uploads import UPLOAD_PATH, body_limit
from server.settings import LOOPBACK, ServerSettings
from server.web.parameters import read_number
from server.web.problems import LOCAL_PATHS, Problem, describe, is_for_machines, respond

KEYED = "docent.keyed"
"""In the scope of a request: whether it has the server's key, or none is set."""
BODY_LIMIT = 1024 * 1024  # bytes; only an upload of documents may be larger
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
HEAD_LIMIT = 32 * 1024  # bytes of an address and its headers; a browser's with all its cookies has some 2,000
MOST_HEADERS = 100
FORM, UPLOAD = "application/x-www-form-urlencoded", "multipart/form-data"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}


def check_exposure(settings: ServerSettings) -> None:
    """Raises StartError where the documents would be open to the network."""
    has_key = settings.api_key is not None and settings.api_key.get_secret_value()
    needed = {"DOCENT_API_KEY": has_key, "DOCENT_PASSWORD": settings.has_password}
    missing = [name for name, there in needed.items() if not there]
    if missing and not settings.is_loopback:
        raise StartError(
            f"Docent will not listen on {settings.host} without a key for programs and a password for the page:",
            f"set {' and '.join(missing)}, or listen on 127.0.0.1.",
        )


def trusted_proxies(settings: ServerSettings) -> list[str]:
    """The networks whose X-Forwarded headers are believed. Raises StartError for what is none, and for everybody."""
    found = []
    for given in (part.strip() for part in settings.trusted_proxies.split(",")):
        try:
            network = ipaddress.ip_network(given, strict=False) if given else None
        except ValueError as error:
            raise StartError(
                f"DOCENT_TRUSTED_PROXIES names {given[:100]!r}, which is neither an address nor a network.",
                "Name the reverse proxy's address as Docent sees it, 127.0.0.1 for instance, or 10.0.0.0/24.",
            ) from error
        if network is not None and network.prefixlen == 0:
            raise StartError(
                f"DOCENT_TRUSTED_PROXIES names {given}, which is everybody: anyone could say to come from anywhere.",
                "Name the address of the reverse proxy alone.",
            )
        if network is not None:
            found.append(str(network))
    return found


class SecurityHeaders:
    """Sets what a response does not set for itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


class Guard:
    """Refuses what must not reach a route: a foreign Host or Origin, a wrong key, a form sent as JSON, a huge body."""

    def __init__(
        self,
        app: ASGIApp,
        settings: ServerSettings,
        tokens: Iterable[str] = (),
        page: Callable[[Problem], str] | None = None,
    ) -> None:
        self.app = app
        self.page = page
        self.settings = settings
        names = {name.strip().lower() for name in (*settings.hosts.split(","), settings.host)}
        self.names = names - {"", "0.0.0.0", "::"}  # noqa: S104 (every address, as a name, is no name)
        key = settings.api_key.get_secret_value() if settings.api_key else ""
        self.local = [_digest(token) for token in tokens]
        self.digests = [_digest(key), *self.local] if key else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        scope[KEYED] = not self.digests or _is_one_of(_bearer(headers), self.digests)
        limit = body_limit(self.settings) if scope["path"] == UPLOAD_PATH else BODY_LIMIT
        try:
            _check_head(scope)
            self._check_host(headers)
            self._check_key(scope["path"], headers)
            if scope["method"] not in SAFE_METHODS:
                _check_origin(headers)
                _check_body(scope["path"], headers, limit)
        except (RequestError, HTTPException) as error:
            await respond(scope["path"], describe(error), self.page)(scope, receive, send)
            return
        await self.app(scope, _limited(receive, limit), send)

    def _check_host(self, headers: Headers) -> None:
        hosts = headers.getlist("host")
        name = host_name(hosts[0]) if len(hosts) == 1 else None
        if name is None:
            raise HTTPException(400, "The Host header is missing or malformed.")
        if name in LOOPBACK or name in self.names or (not self.settings.is_loopback and _is_address(name)):
            return
        raise HTTPException(
            421,
            f"This server does not answer to the name {name[:100]}. "
            "If it should, whoever runs it adds that name to DOCENT_HOSTS.",
        )

    def _check_key(self, path: str, headers: Headers) -> None:
        digests = self.local if path.startswith(LOCAL_PATHS) else self.digests
        if not path.startswith(LOCAL_PATHS) and not (digests and (path.startswith("/v1/") or path == "/metrics")):
            return
        given = _bearer(headers)
        if not given:
            raise Unauthorised("A key is needed.", "Send it as `Authorization: Bearer KEY`.", code="missing_api_key")
        if not _is_one_of(given, digests):
            raise Unauthorised(
                "This key is not the server's.", "Ask whoever runs it for the key.", code="invalid_api_key"
            )


def host_name(host: str) -> str | None:
    """The lower-case name or address of a Host header, without its port; None if it is not one."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises ValueError where it is no number
    except ValueError:
        return None
    if not parts.hostname or parts.username is not None or parts.path or parts.query or parts.fragment:
        return None
    return parts.hostname


def _check_head(scope: Scope) -> None:
    """The protocol has bounded the memory that they take (web/protocol.py); here they are bounded for who reads them:
    cookies, ranges and dates are parsed on the event loop."""
    size = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    size += sum(len(name) + len(value) for name, value in scope["headers"])
    if size > HEAD_LIMIT or len(scope["headers"]) > MOST_HEADERS:
        raise HTTPException(
            431,
            f"The address and the headers of this request have {size:,} bytes in {len(scope['headers'])} headers; "
            f"Docent reads {HEAD_LIMIT:,} bytes in {MOST_HEADERS} headers. Delete this site's cookies and try again.",
        )


def _bearer(headers: Headers) -> str:
    """The key that a request gives; empty where it gives none."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def _is_one_of(given: str, digests: Iterable[bytes]) -> bool:
    digest = _digest(given)
    return any(hmac.compare_digest(digest, known) for known in digests)


def _is_address(name: str) -> bool:
    """A name can be rebound, an address cannot; the unspecified address reaches a loopback server from anywhere."""
    try:
        return not ipaddress.ip_address(name).is_unspecified
    except ValueError:
        return False


def _check_origin(headers: Headers) -> None:
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    foreign = site not in (None, "same-origin", "none")
    if origin is not None and site != "same-origin":
        foreign = foreign or _place(origin) != headers.get("host", "").lower()
    if foreign:
        raise Forbidden("This was sent by a page of another site.", "Open Docent itself and try again.")


def _place(origin: str) -> str:
    """The name and port of an Origin header; empty where it is none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _check_body(path: str, headers: Headers, limit: int) -> None:
    length = headers.get("content-length", "")
    if length and read_number(length, limit) is None:
        raise _too_large(limit)
    if length in ("", "0") and "transfer-encoding" not in headers:
        return
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if is_for_machines(path) and media_type != "application/json":
        raise HTTPException(415, "Send the body as JSON, with `Content-Type: application/json`.")
    if not is_for_machines(path) and media_type != (UPLOAD if path == UPLOAD_PATH else FORM):
        raise HTTPException(415, "Send the body as a form, and only files as `multipart/form-data`.")


def _limited(receive: Receive, limit: int) -> Receive:
    """`receive` that counts, for bodies that do not say how long they are."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise _too_large(limit)
        return message

    return counted


def _too_large(limit: int) -> HTTPException:
    """An HTTPException, because FastAPI takes anything else that a body's reading raises for malformed JSON."""
    return HTTPException(413, f"The body is larger than {limit // 1024} KiB. Send less at a time.")


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).digest()
