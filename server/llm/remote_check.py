"""Whether another server's OpenAI-compatible API can be used, and what its `/models` says of the model."""

import json
import time
from dataclasses import dataclass
from typing import Any

import httpx

MAX_LISTING = 1 << 20  # bytes
CHECK_LIMIT = 5.0  # seconds for the whole answer


@dataclass(frozen=True)
class RemoteModel:
    name: str = ""
    context: int = 0  # tokens; 0 where the server does not say


class RemoteProblem(Exception):  # noqa: N818 (what it is)
    """`what` follows "The language model at HOST"."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    @classmethod
    def of_status(cls, status: int, words: str, model: str) -> "RemoteProblem":
        if status in (401, 403):
            return cls("refuses the key: check DOCENT_GENERATOR_KEY")
        if status == httpx.codes.NOT_FOUND:
            named = f"{model!r}" if model else "the address"
            return cls(f"does not know {named}: check DOCENT_GENERATOR_URL and DOCENT_GENERATOR_MODEL")
        return cls(f"answers with an error ({status}: {words})")


def check_server(client: httpx.Client, url: httpx.URL, wanted: str) -> RemoteModel:
    """The model to ask: `wanted`, or the first one that the server lists. Raises RemoteProblem."""
    try:
        status, body = _get(client, f"{url}/models")
    except httpx.HTTPError:
        raise RemoteProblem("cannot be reached: check that its server runs") from None
    if status == httpx.codes.NOT_FOUND and wanted:
        return RemoteModel(wanted)  # not every server lists its models
    if status != httpx.codes.OK:
        raise RemoteProblem.of_status(status, said(body), "")
    return _choose(_listed(body), wanted)


def check_alive(client: httpx.Client, url: httpx.URL) -> None:
    """That something answers there, without a question to its model. Raises RemoteProblem."""
    try:
        with client.stream("GET", url):  # any status is a sign of life
            return
    except httpx.HTTPError:
        raise RemoteProblem("cannot be reached: check that its server runs") from None


def said(body: bytes) -> str:
    """The message in an error's body, cut to what a person reads."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = body.decode("utf-8", "replace")
    if isinstance(found, dict):
        found = found.get("error", found.get("message", found.get("detail", "")))
    if isinstance(found, dict):
        found = found.get("message", "")
    text = " ".join(found.split()) if isinstance(found, str) else ""
    return text[:300].rstrip(".") or "without a reason"


def _get(client: httpx.Client, url: str) -> tuple[int, bytes]:
    deadline = time.monotonic() + CHECK_LIMIT
    body = b""
    with client.stream("GET", url) as response:
        for data in response.iter_bytes():
            body += data
            if len(body) > MAX_LISTING or time.monotonic() > deadline:
                raise RemoteProblem("does not list its models as an OpenAI-compatible server does")
        return response.status_code, body


def _listed(body: bytes) -> list[dict[str, Any]]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    data = found.get("data") if isinstance(found, dict) else None
    if not isinstance(data, list):
        raise RemoteProblem("does not list its models as an OpenAI-compatible server does")
    return [model for model in data if isinstance(model, dict) and isinstance(model.get("id"), str)]


def _choose(listed: list[dict[str, Any]], wanted: str) -> RemoteModel:
    chosen = next((model for model in listed if not wanted or model["id"] == wanted), {})
    if not chosen and not wanted:
        raise RemoteProblem("serves no model: set DOCENT_GENERATOR_MODEL")
    meta = chosen.get("meta")
    for number in (chosen.get("max_model_len"), meta.get("n_ctx") if isinstance(meta, dict) else None):
        if isinstance(number, int) and number > 0:
            return RemoteModel(wanted or chosen["id"], number)
    return RemoteModel(wanted or chosen.get("id", ""))
