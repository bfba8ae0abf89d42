"""What a language model writes about a passage, asked for through any OpenAI-compatible server.

    Writer(url, key, model).write(place, body)     a Draft

Whatever the server sends is checked: a Draft has the right shape and sizes, or UnusableDraft says what came instead.
"""

import re
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import BaseModel, Field, ValidationError

from indexer.errors import DocentError, StartError

ANSWER_SECONDS = 600.0  # a long passage on two cores takes minutes
MAX_TOKENS = 400
LONGEST_ANSWER = 20_000  # characters
LISTED = 20  # most texts of one kind that are looked at

SYSTEM = "You write the entries of a search index for a company's documents. You answer in JSON."
TASK = """Passage from {place}:

{body}

Write for this passage:
"questions": three to five short questions that an employee would ask in everyday words and that this passage answers;
"summary": what it says, in one line;
"keywords": up to ten words or short phrases that somebody who needs it would search for, also words that it lacks."""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "questions": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 5},
        "summary": {"type": "string"},
        "keywords": {"type": "array", "items": {"type": "string"}, "maxItems": 10},
    },
    "required": ["questions", "summary", "keywords"],
    "additionalProperties": False,
}

_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


class UnusableDraft(Exception):  # noqa: N818 (named for what it is)
    """The server answered with something that is no draft."""


class Draft(BaseModel):
    """What a model wrote, unfiltered."""

    questions: list[str] = Field(default=[], max_length=LISTED)
    summary: str = ""
    keywords: list[str] = Field(default=[], max_length=LISTED)


@dataclass(frozen=True)
class Served:
    """A model that a server offers."""

    name: str
    is_docent: bool


class Writer:
    """A server and one of its models. Raises StartError when it cannot be asked at all."""

    def __init__(self, url: str, key: str = "", model: str = "") -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            self._client = httpx.Client(base_url=url, headers=headers, timeout=ANSWER_SECONDS, trust_env=False)
        except httpx.InvalidURL as error:
            raise StartError(f"{url} is no address of a server ({error}).", "Give it as http://host:port.") from error
        self._url = url
        self._served = self._choose(model)

    @property
    def model(self) -> str:
        return self._served.name

    def close(self) -> None:
        self._client.close()

    def write(self, place: str, body: str) -> Draft:
        """Raises UnusableDraft for one bad answer, DocentError when the server refuses or is gone."""
        request: dict[str, Any] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": SYSTEM},
                {"role": "user", "content": TASK.format(place=place, body=body)},
            ],
            "max_tokens": MAX_TOKENS,
            "temperature": 0,
            "response_format": {"type": "json_schema", "json_schema": {"name": "entries", "schema": SCHEMA}},
        }
        if self._served.is_docent:
            request["docent"] = {"retrieval": "off"}
        try:
            response = self._client.post("/v1/chat/completions", json=request)
        except httpx.HTTPError as error:
            raise DocentError(
                f"The server at {self._url} broke off ({error!r}).", "What is written is kept; run this again to go on."
            ) from error
        if response.status_code in (429, 500, 502, 503, 504) and not _is_final(response):
            raise UnusableDraft(f"status {response.status_code}")
        if not response.is_success:
            raise DocentError(f"The server at {self._url} refused: {_reason(response)}")
        return read_draft(_content(response))

    def _choose(self, wanted: str) -> Served:
        try:
            response = self._client.get("/v1/models", timeout=30)
            listed = response.json()["data"] if response.is_success else []
            served = [Served(str(one["id"]), one.get("owned_by") == "docent") for one in listed]
        except httpx.HTTPError as error:
            raise StartError(
                f"The server at {self._url} cannot be reached ({error!r}).", "Check that it runs and the address."
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StartError(f"{self._url} does not list its models as the OpenAI API does ({error!r}).") from error
        if not response.is_success:
            raise StartError(f"The server at {self._url} refused: {_reason(response)}")
        chosen = next((one for one in served if wanted in ("", one.name)), None)
        if chosen is None:
            names = ", ".join(one.name for one in served) or "none"
            raise StartError(f"The server at {self._url} has no model {wanted!r}; it has: {names}.")
        return chosen


def read_draft(text: str) -> Draft:
    """The JSON object in a model's answer, with or without words around it. Raises UnusableDraft."""
    found = _OBJECT.search(text[:LONGEST_ANSWER])
    if found is None:
        raise UnusableDraft("no JSON object")
    try:
        return Draft.model_validate_json(found[0])
    except ValidationError as error:
        raise UnusableDraft(f"{error.error_count()} faults in the JSON object") from error


def _content(response: httpx.Response) -> str:
    """Raises UnusableDraft."""
    try:
        content = response.json()["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise UnusableDraft("no chat completion") from error
    if not isinstance(content, str):
        raise UnusableDraft("no text")
    return content


def _is_final(response: httpx.Response) -> bool:
    """Whether Docent says that it has no model: the next passage would hear the same."""
    return "docent models pull" in response.text


def _reason(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"]["message"])[:500]
    except (ValueError, KeyError, TypeError):
        return f"status {response.status_code}"
