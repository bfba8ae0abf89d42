"""How good the answers of a running server are: containment, abstention, citations, tokens, time to first token.

The server is any OpenAI-compatible one; what only Docent says (whether it answered, its citations) stands in the
`docent` object of the stream's last chunk, and is counted only where it is there.
"""

import json
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from indexer.errors import DocentError
from indexer.evaluate import EvaluationQuestion, matches_gold
from indexer.sentences import sentence_spans

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
    def contains(self) -> bool:
        """Whether the answer holds one of the gold answers, or one alternative of every fact it must hold."""
        text = plain(self.text)
        if self.question.must:
            return all(any(_holds(text, word) for word in alternatives) for alternatives in self.question.must)
        return any(_holds(text, answer) for answer in self.question.answers)


def plain(text: str) -> str:
    """For comparing: lower case, marks such as [1] and punctuation out, white space folded."""
    text = re.sub(r"\[\d+\]", " ", text).casefold().replace("’", "'")
    return " ".join(re.sub(r"[^\w$%'.,@-]+", " ", text).split())


def _holds(text: str, words: str) -> bool:
    """Whether plain text holds the words; a number only as a number of its own: 5 is not in 15 or 5.5."""
    wanted = plain(words)
    before = r"(?<![\d])(?<!\d[.,])" if wanted[:1].isdigit() else ""
    after = r"(?![\d])(?![.,]\d)" if wanted[-1:].isdigit() else ""
    return bool(wanted) and re.search(f"{before}{re.escape(wanted)}{after}", text) is not None


def ask_all(questions: Sequence[EvaluationQuestion], endpoint: str, key: str = "") -> list[AnswerResult]:
    """Every question in turn. Raises DocentError when the server does not answer."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        client = httpx.Client(base_url=endpoint, headers=headers, timeout=ANSWER_SECONDS, trust_env=False)
    except httpx.InvalidURL as error:
        raise DocentError(f"{endpoint} is no address of a server ({error}).", "Give it as http://host:port.") from error
    with client:
        return [_ask(client, question) for question in questions]


def _ask(client: httpx.Client, question: EvaluationQuestion) -> AnswerResult:
    messages = [{"role": role, "content": text} for role, text in question.history]
    messages.append({"role": "user", "content": question.question})
    body = {"model": "docent", "messages": messages, "stream": True, "stream_options": {"include_usage": True}}
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


def summarise_answers(results: Sequence[AnswerResult]) -> dict[str, Any]:
    """The figures of DESIGN's contract; a share over nothing is None."""
    answerable = [r for r in results if r.question.answerable is True]
    unanswerable = [r for r in results if r.question.answerable is False]
    refused = [r for r in answerable + unanswerable if not r.answered]
    cited = [r for r in answerable if r.answered]
    marks = [(r, c) for r in cited for c in r.citations]
    sentences = [s for r in cited for s in _claims(r.text)]
    return {
        "contains": _share(sum(r.contains for r in answerable), len(answerable)),
        "abstention": {
            "precision": _share(sum(r.question.answerable is False for r in refused), len(refused)),
            "recall": _share(sum(not r.answered for r in unanswerable), len(unanswerable)),
            "false_refusals": _share(sum(not r.answered for r in answerable), len(answerable)),
        },
        "citations": {
            "precision": _share(sum(_points_to_gold(r, c) for r, c in marks), len(marks)),
            "recall": _share(sum(bool(re.search(r"\[\d+\]", s)) for s in sentences), len(sentences)),
        },
        "tokens": {
            "prompt": _mean([r.prompt_tokens for r in results]),
            "completion": _mean([r.completion_tokens for r in results]),
        },
        "first_token_ms": _mean([r.first_token_ms for r in results if r.first_token_ms is not None]),
    }


def _claims(text: str) -> list[str]:
    """The sentences of an answer, quote marks and list marks of Markdown left out."""
    lines = [line.lstrip("> -*#") for line in text.splitlines()]
    return [line[start:end] for line in lines for start, end in sentence_spans(line)]


def _points_to_gold(result: AnswerResult, citation: dict[str, Any]) -> bool:
    return any(matches_gold(id_, str(citation.get("document")), citation.get("page")) for id_ in result.question.gold)


def _share(count: int, total: int) -> float | None:
    return round(count / total, 4) if total else None


def _mean(values: Sequence[float]) -> float:
    return round(statistics.fmean(values), 1) if values else 0.0
