"""Who is asking: a random owner id in a signed cookie, and the page password where one is set.

The cookie is HttpOnly and SameSite=Lax, lasts a year, and is Secure over HTTPS. Its key lies in `<data>/secret`, made
once. server/web/pages/page_route.py reads and sets it for every page. The password is that of the settings, or one that
was set on the page, of which a hash is kept; after a change everybody else gives the new one.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.responses import Response

from indexer.errors import StorageError
from indexer.settings import read_kept
from server.login_limit import Browser, LoginLimit
from server.settings import PASSWORD, ServerSettings, keep

YEAR = 365 * 24 * 3600  # seconds
COST, BLOCK, LANES = 1 << 14, 8, 5
"""Of scrypt, what OWASP's cheat sheet on password storage asks for at 16 MiB: a guess takes a fifth of a second."""


@dataclass(frozen=True)
class Visitor:
    """A browser: its owner id, and whether it has given the page password."""

    owner: str
    admitted: bool
    known: bool = False
    """It was admitted before, though perhaps with a password that is no longer the page's."""


@dataclass(frozen=True)
class Password:
    """What is asked for: as it was set, or its hash; nothing where it is empty."""

    stored: str = field(repr=False)
    hashed: bool = False

    def is_right(self, password: str) -> bool:
        """Blocks for a fifth of a second where it is hashed."""
        if not self.hashed:
            return hmac.compare_digest(password.encode(), self.stored.encode())
        _, _, rest = self.stored.partition("$")
        salt, _, _ = rest.partition("$")
        try:
            return hmac.compare_digest(hashed(password, bytes.fromhex(salt)), self.stored)
        except ValueError:  # nothing that we have written: nobody gets in
            return False


def hashed(password: str, salt: bytes = b"") -> str:
    """scrypt, "scrypt$SALT$HASH" in hexadecimal digits, with a salt of its own unless one is given."""
    salt = salt or secrets.token_bytes(16)
    digest = hashlib.scrypt(password.encode(), salt=salt, n=COST, r=BLOCK, p=LANES, maxmem=64 << 20)
    return f"scrypt${salt.hex()}${digest.hex()}"


class Sessions:
    """Reads and writes the cookie; checks the password."""

    def __init__(self, settings: ServerSettings) -> None:
        secret = load_secret(settings.data / "secret")
        self._signer = URLSafeTimedSerializer(secret, salt="docent.session")
        self.cookie = f"docent_{hashlib.sha256(b'name' + secret).hexdigest()[:8]}"  # two Docents on a host stay apart
        self._secret, self._data = secret, settings.data
        given = settings.password.get_secret_value() if settings.password else ""
        self._use(Password(given) if given else Password(str(read_kept(settings.data).get(PASSWORD, "")), hashed=True))
        self._limit = LoginLimit()

    def read(self, cookies: dict[str, str]) -> Visitor | None:
        """The visitor of a request's cookies; None without a cookie that is ours.

        One that was signed in what is the future now is taken as well: nobody but us can have signed it, before the
        clock was set back.
        """
        try:
            value, signed = self._signer.loads(cookies.get(self.cookie, ""), return_timestamp=True)
            if time.time() - signed.timestamp() > YEAR:
                return None
            proof = str(value.get("proof", ""))
            return Visitor(str(value["owner"]), self._admits(proof), known=bool(proof))
        except (BadSignature, KeyError, TypeError, AttributeError):
            return None

    def _use(self, password: "Password") -> None:
        self._password = password
        proven = hmac.new(self._secret, b"password" + password.stored.encode(), "sha256")
        self._proof = proven.hexdigest()[:32]

    @property
    def is_open(self) -> bool:
        """Whether no password is asked for."""
        return not self._password.stored

    def change_password(self, password: str) -> None:
        """From now on everybody is asked for this one; for none where it is empty. Blocks. Raises StorageError."""
        stored = hashed(password) if password else ""
        keep(self._data, **{PASSWORD: stored or None})
        self._use(Password(stored, hashed=True))

    def is_right(self, password: str, visitor: Visitor, address: str) -> bool:
        """Whether this is the page's password. Blocks. Raises TooBusy after too many wrong ones."""
        browser = Browser(visitor.owner, address, known=visitor.known)
        return self._limit.attempt(browser, lambda: self._password.is_right(password))

    def newcomer(self) -> Visitor:
        return Visitor(secrets.token_hex(16), self.is_open, known=self.is_open)

    def write(self, response: Response, visitor: Visitor, *, https: bool) -> None:
        value = {"owner": visitor.owner, "proof": self._proof if visitor.admitted else ""}
        response.set_cookie(
            self.cookie, self._signer.dumps(value), max_age=YEAR, httponly=True, samesite="lax", secure=https
        )

    def log_in(self, password: str, cookies: dict[str, str], address: str) -> Visitor | None:
        """Who the browser with these cookies is from now on; None for a wrong password. Raises TooBusy after too many.

        One that was never admitted becomes somebody new: else who planted a cookie before its first login would know
        whose conversations it names. One that was admitted before keeps its conversations.
        """
        visitor = self.read(cookies)
        known = visitor is not None and visitor.known
        browser = Browser(visitor.owner if visitor else "", address, known=known)
        if not self._limit.attempt(browser, lambda: self._password.is_right(password)):
            return None
        owner = visitor.owner if visitor is not None and known else secrets.token_hex(16)
        return Visitor(owner, admitted=True, known=True)

    def _admits(self, proof: str) -> bool:
        return self.is_open or hmac.compare_digest(proof.encode(), self._proof.encode())


def load_secret(path: Path) -> bytes:
    """The bytes of `path`, which is made with 32 random ones if it is not there. Raises StorageError.

    Made under another name and linked into place, so that two processes that start together end with one secret.
    """
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(secrets.token_bytes(32))
                with contextlib.suppress(FileExistsError):
                    os.link(fresh, path)
            finally:
                fresh.unlink()
        secret = path.read_bytes()
    except OSError as error:
        raise StorageError(
            f"The file {path} cannot be used: {error.strerror}.", "Check that the data folder is writable."
        ) from error
    if len(secret) < 32:
        raise StorageError(f"The file {path} is damaged.", "Delete it; everyone then starts with an empty page.")
    return secret
