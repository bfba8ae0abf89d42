"""A running server's answers to a set of questions, and what each is worth: its part of every figure.

The server is any OpenAI-compatible one; what only Docent says (whether it answered, its citations) stands in the
`docent` object of the stream's last chunk, and is counted only where it is there.
"""

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import httpx

from indexer.errors import DocentError
from indexer.evaluate.facts import holds, plain, sentences
from indexer.evaluate.retrieval import EvaluationQuestion, Measures, matches_gold

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
    if usage := chunk.get("usage"):
        result.prompt_tokens, result.completion_tokens = usage["prompt_tokens"], usage["completion_tokens"]
    if docent := chunk.get("docent"):
        result.answered = bool(docent.get("answered", True))
        result.citations = docent.get("citations", [])


def answer_measures(result: AnswerResult) -> Measures:
    """Containment, abstention, citations, tokens and time; each only for the questions that it is about."""
    asked, measures = result.question, Measures()
    if asked.answerable is True:
        measures["abstention.false_refusals"] = (float(not result.answered), 1)
        if result.can_be_judged:
            measures["contains"] = (float(result.contains), 1)
        if result.answered:
            measures |= _citation_measures(result)
    elif asked.answerable is False:
        measures["abstention.recall"] = (float(not result.answered), 1)
    if asked.answerable is not None and not result.answered:
        measures["abstention.precision"] = (float(asked.answerable is False), 1)
    measures["tokens.prompt"] = (result.prompt_tokens, 1)
    measures["tokens.completion"] = (result.completion_tokens, 1)
    if result.first_token_ms is not None:
        measures["first_token_ms"] = (result.first_token_ms, 1)
    return measures


def _citation_measures(result: AnswerResult) -> Measures:
    claims = sentences(result.text)
    return {
        "citations.precision": (sum(_is_right(result.question, c) for c in result.citations), len(result.citations)),
        "citations.recall": (sum(bool(re.search(r"\[\d+\]", claim)) for claim in claims), len(claims)),
    }


def _is_right(question: EvaluationQuestion, citation: dict[str, Any]) -> bool:
    """Whether a citation points to a gold passage, or its quoted words hold an answer or one of the facts."""
    document, page = str(citation.get("document")), citation.get("page")
    if any(matches_gold(id_, document, page) for id_ in question.gold):
        return True
    quoted = plain(str(citation.get("quote") or ""))
    return any(holds(quoted, words) for words in (*question.answers, *chain.from_iterable(question.must)))
