"""How a command on this machine reaches a running server, so that it need not load a model itself.

A server writes `<data>/server.json` (address, process id, token; readable by its owner only) and removes it at its end.
"""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from indexer.errors import DocentError, StartError
from indexer.passages import Passage
from indexer.settings import IndexerSettings

ALIVE_SECONDS = 2.0  # a server that does not answer /healthz by then is as good as none
REFUSALS = frozenset({400, 401, 403, 404, 413, 422})  # HTTP statuses of a request that is wrong in itself
ANSWER_SECONDS = 600.0  # a long prompt on two cores takes minutes


@dataclass(frozen=True)
class ServerAddress:
    """What server.json holds."""

    url: str
    pid: int
    token: str = field(repr=False)


class LocalServer:
    """A running server. Its methods raise DocentError with what the server said."""

    def __init__(self, address: ServerAddress) -> None:
        self.address = address

    def search(
        self, query: str, collections: Sequence[str] = (), top_k: int = 8, history: Sequence[str] = ()
    ) -> dict[str, Any]:
        """What `indexer search --json` prints."""
        body = {"query": query, "history": list(history), "top_k": top_k, "collections": list(collections) or None}
        return self.post("/v1/search", body)

    def ask(
        self, question: str, collections: Sequence[str] = (), documents: Sequence[int | str] = ()
    ) -> dict[str, Any]:
        """A chat completion."""
        message = {"role": "user", "content": question}
        options = {"collections": list(collections) or None, "documents": list(documents) or None}
        return self.post("/v1/chat/completions", {"model": "docent", "messages": [message], "docent": options})

    def post(self, path: str, body: dict[str, Any], *, seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
        """What the server answers within `seconds` of silence."""
        try:
            with self._connected(seconds) as client:
                response = client.post(path, json=body)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise DocentError(
                f"The server at {self.address.url} broke off ({error}).", "Look at its log, then try again."
            ) from error
        if response.is_success and isinstance(answer, dict):
            return answer
        message = answer.get("error", {}).get("message") if isinstance(answer, dict) else None
        refused = response.status_code in REFUSALS  # nothing was begun, as where this process finds it out itself
        raise (StartError if refused else DocentError)(
            message or f"The server at {self.address.url} answered {response.status_code}."
        )

    def is_alive(self) -> bool:
        try:
            with self._connected(ALIVE_SECONDS) as client:
                return client.get("/healthz").is_success
        except (httpx.HTTPError, httpx.InvalidURL):
            return False

    def _connected(self, timeout: float) -> httpx.Client:
        return httpx.Client(
            base_url=self.address.url,
            headers={"Authorization": f"Bearer {self.address.token}", "Accept-Encoding": "identity"},
            timeout=timeout,
            trust_env=False,  # a proxy must not stand between two processes of one machine
        )


def find_server(settings: IndexerSettings) -> LocalServer | None:
    """The server that runs on this data folder, if there is one that answers."""
    address = read_address(settings.server_file)
    if address is None or not _runs(address.pid):
        return None
    server = LocalServer(address)
    return server if server.is_alive() else None


def read_address(path: Path) -> ServerAddress | None:
    try:
        value = json.loads(path.read_text("utf-8"))
        return ServerAddress(str(value["url"]), int(value["pid"]), str(value["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_address(path: Path, address: ServerAddress) -> None:
    """Written under another name and moved into place, so that nobody reads half of it."""
    fresh = path.with_name(f"{path.name}.{address.pid}")
    with suppress(FileNotFoundError):
        fresh.unlink()
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump({"url": address.url, "pid": address.pid, "token": address.token}, file)
    fresh.replace(path)


def remove_address(path: Path, pid: int) -> None:
    """Remove server.json if it is still the one of this process."""
    address = read_address(path)
    if address is not None and address.pid == pid:
        path.unlink(missing_ok=True)


def search_result(query: str, passages: Sequence[Passage], took_ms: int) -> dict[str, Any]:
    """What `indexer search --json` prints. `POST /v1/search` answers the same, with each passage's `document_id`."""
    return {"query": query, "passages": [passage_json(passage) for passage in passages], "took_ms": took_ms}


def passage_json(passage: Passage) -> dict[str, Any]:
    also_in = [place.document for place in passage.also_said_in(passage.start, passage.end)]
    partly_in = [place.document for place in passage.partly_in]
    return {
        "rank": passage.rank,
        "score": round(passage.score, 4),
        "document": passage.document,
        "title": passage.title,
        "heading": passage.heading,
        "page": passage.page,
        "start": passage.start,
        "end": passage.end,
        "text": passage.text,
        **({"also_in": also_in} if also_in else {}),
        **({"partly_in": partly_in} if partly_in else {}),
    }


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it runs as someone else
        return True
    return True
