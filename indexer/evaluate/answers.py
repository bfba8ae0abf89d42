"""A running server's answers to a set of questions.

The server is any OpenAI-compatible one; what only Docent says (whether it answered, its citations and quotations, how
sure it was) stands in the `docent` object of the stream's last chunk, and is counted only where it is there.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from indexer.errors import DocentError
from indexer.evaluate.facts import holds, plain
from indexer.evaluate.retrieval import EvaluationQuestion

ANSWER_SECONDS = 600.0


@dataclass
class AnswerResult:
    """One answer as the server gave it."""

    question: EvaluationQuestion
    text: str
    answered: bool
    citations: list[dict[str, Any]] = field(default_factory=list)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_token_ms: float | None = None  # None where nothing came
    mode: str = ""  # of Docent: model | extractive | fixed
    reason: str = ""  # why it ended: stop | length
    quotes: list[dict[str, Any]] = field(default_factory=list)  # of the documents, shown beneath the answer
    answerability: float | None = None  # the server's judgement of the question, higher where it is surer

    @property
    def shown(self) -> str:
        """The answer with what is quoted beneath it."""
        return "\n".join([self.text, *(str(quote.get("quote") or "") for quote in self.quotes)])

    @property
    def is_written(self) -> bool:
        """False for what only quotes the documents."""
        return self.answered and self.mode != "extractive"

    @property
    def can_be_judged(self) -> bool:
        """Whether the set says what an answer has to hold."""
        return bool(self.question.answers or self.question.must)

    @property
    def contains(self) -> bool:
        """Whether the answer holds one of the gold answers, or one alternative of every fact it must hold."""
        text = plain(self.text)
        if self.question.must:
            return all(any(holds(text, word) for word in alternatives) for alternatives in self.question.must)
        return any(holds(text, answer) for answer in self.question.answers)


def ask_all(
    questions: Sequence[EvaluationQuestion], endpoint: str, key: str = "", retrieval: bool = True
) -> list[AnswerResult]:
    """Every question in turn; without retrieval the language model answers alone, if the server is Docent.

    Raises DocentError when the server does not answer.
    """
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        client = httpx.Client(base_url=endpoint, headers=headers, timeout=ANSWER_SECONDS, trust_env=False)
    except httpx.InvalidURL as error:
        raise DocentError(f"{endpoint} is no address of a server ({error}).", "Give it as http://host:port.") from error
    with client:
        return [_ask(client, question, retrieval) for question in questions]


def _ask(client: httpx.Client, question: EvaluationQuestion, retrieval: bool) -> AnswerResult:
    messages = [{"role": role, "content": text} for role, text in question.history]
    messages.append({"role": "user", "content": question.question})
    body = {"model": "docent", "messages": messages, "stream": True, "stream_options": {"include_usage": True}}
    if not retrieval:
        body["docent"] = {"retrieval": "off"}
    result = AnswerResult(question, "", True)
    started = time.perf_counter()
    try:
        with client.stream("POST", "/v1/chat/completions", json=body) as response:
            if not response.is_success:
                response.read()
                raise DocentError(f"{client.base_url} answered {response.status_code}: {response.text[:300]}")
            for chunk in _chunks(response):
                _take(result, chunk, started)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DocentError(f"{client.base_url} sent what no chat completion is ({error!r}).") from error
    except httpx.HTTPError as error:
        raise DocentError(
            f"{client.base_url} could not be asked ({error!r}).", "Check that the server runs and the address is right."
        ) from error
    return result


def _chunks(response: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in response.iter_lines():
        if line.startswith("data: ") and line != "data: [DONE]":
            yield json.loads(line[len("data: ") :])


def _take(result: AnswerResult, chunk: dict[str, Any], started: float) -> None:
    if "error" in chunk:
        raise DocentError(f"The server broke off: {chunk['error']['message']}")
    for choice in chunk.get("choices", []):
        delta = choice.get("delta", {}).get("content") or ""
        if delta and result.first_token_ms is None:
            result.first_token_ms = (time.perf_counter() - started) * 1000
        result.text += delta
        result.reason = choice.get("finish_reason") or result.reason
    if usage := chunk.get("usage"):
        result.prompt_tokens, result.completion_tokens = usage["prompt_tokens"], usage["completion_tokens"]
    if docent := chunk.get("docent"):
        result.answered = bool(docent.get("answered", True))
        result.mode = str(docent.get("mode") or "")
        result.citations, result.quotes = _objects(docent, "citations"), _objects(docent, "quotes")
        judged = docent.get("answerability")
        result.answerability = None if judged is None else float(judged)


def _objects(docent: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Raises TypeError for anything but a list of objects."""
    found = docent.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise TypeError(f"{name} is no list of objects")
    return found
