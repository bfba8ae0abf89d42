"""An OpenAI chat request to a Question, and an Answer back to OpenAI's shapes (pure)."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from indexer.passages import Passage, Place, Scope
from server.answering.events import Answer, Citation, Evidence, Exchange, Question
from server.answering.evidence import source_of
from server.errors import BadRequest
from server.llm.generator import Sampling, TokenLogprob, Usage
from server.settings import ServerSettings
from server.views.presentation import document_href
from server.web.api.schemas import ROLES, ChatMessage, ChatRequest


@dataclass
class AskedMessages:
    """What a client's messages say, in Docent's terms."""

    question: str
    history: tuple[Exchange, ...]
    system: str


def read_messages(messages: Sequence[ChatMessage]) -> AskedMessages:
    """The last user message is the question. Raises BadRequest, `param` naming the message.

    A user message without an answer, and an answer without a question, stay as an Exchange with one half empty.
    """
    system: list[str] = []
    exchanges: list[Exchange] = []
    asked: str | None = None
    for index, message in enumerate(messages):
        text = _text(message, f"messages[{index}]")
        if message.role in ("system", "developer"):
            system.append(text)
        elif message.role == "user":
            if asked is not None:
                exchanges.append(Exchange(asked, ""))
            asked = text
        else:
            exchanges.append(Exchange(asked or "", text))
            asked = None
    if asked is None or not asked.strip():
        raise BadRequest("The last message must be the user's question, and not be empty.", param="messages")
    return AskedMessages(asked, tuple(exchanges), "\n\n".join(part for part in system if part.strip()))


def _text(message: ChatMessage, param: str) -> str:
    if message.role not in ROLES:
        raise BadRequest(
            f"Docent does not read messages of the role {message.role[:40]!r}.",
            "Send system, developer, user and assistant messages.",
            param=f"{param}.role",
        )
    if message.content is None:
        return ""
    if isinstance(message.content, str):
        return message.content
    return "".join(_part(part, f"{param}.content[{index}]") for index, part in enumerate(message.content))


def _part(part: dict[str, Any], param: str) -> str:
    text = part.get("text")
    if part.get("type") != "text" or not isinstance(text, str):
        raise BadRequest("Docent reads text only, no images, sound or files.", "Send text parts.", param=param)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadRequest("The text holds half a surrogate pair, which is not valid Unicode.", param=param) from error
    return text


def to_question(request: ChatRequest, scope: Scope, settings: ServerSettings) -> Question:
    """Raises BadRequest."""
    request.check()
    conversation = read_messages(request.messages)
    most = request.max_completion_tokens or request.max_tokens or settings.max_answer_tokens
    sampling = Sampling(
        max_tokens=min(most, settings.context),
        temperature=request.temperature or 0.0,
        top_p=1.0 if request.top_p is None else request.top_p,
        seed=None if request.seed is None else request.seed % 2**32,
        stop=request.stops,
        json_schema=request.schema,
        logprobs=(request.top_logprobs or 0) if request.logprobs else None,
        top_k=request.top_k or 0,
        min_p=request.min_p or 0.0,
        repeat_penalty=request.repeat_penalty or 1.0,
        presence_penalty=request.presence_penalty or 0.0,
        frequency_penalty=request.frequency_penalty or 0.0,
        logit_bias=tuple(sorted((request.logit_bias or {}).items())),
    )
    return Question(
        text=conversation.question,
        scope=scope,
        history=conversation.history,
        system=conversation.system,
        retrieval=request.docent.retrieval == "auto",
        abstain=request.docent.abstain,
        exact=request.docent.spelling == "exact",
        top_k=request.docent.top_k,
        sampling=sampling,
    )


@dataclass(frozen=True)
class Completion:
    """One answer on its way to a client; `site` is the address under which the client knows this server."""

    model: str
    site: str
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, answer: Answer, sources: Sequence[Evidence], logprobs: Sequence[TokenLogprob]) -> dict[str, Any]:
        """A `chat.completion`."""
        message = {
            "role": "assistant",
            "content": answer.text,
            "refusal": None,
            "annotations": self.annotations(answer),
        }
        choice = {
            "index": 0,
            "message": message,
            "finish_reason": answer.reason,
            "logprobs": logprobs_json(logprobs),
        }
        return {
            **self._head("chat.completion"),
            "choices": [choice],
            "usage": usage_json(answer.usage),
            "docent": self.docent(answer, sources),
        }

    def chunk(
        self, delta: dict[str, Any], finish: str | None = None, logprobs: Sequence[TokenLogprob] = ()
    ) -> dict[str, Any]:
        """A `chat.completion.chunk`."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": logprobs_json(logprobs)}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def meanwhile(self, quote: Citation, sources: Sequence[Evidence]) -> dict[str, Any]:
        """A chunk without text: the documents' own words, for who waits for the model."""
        return {**self.chunk({}), "docent": {"meanwhile": self._citation(quote, sources)}}

    def finish(self, answer: Answer, sources: Sequence[Evidence]) -> dict[str, Any]:
        """The chunk that ends the text, with the citations."""
        chunk = self.chunk({"annotations": self.annotations(answer)}, answer.reason)
        return {**chunk, "docent": self.docent(answer, sources)}

    def usage(self, usage: Usage) -> dict[str, Any]:
        """The chunk that `stream_options.include_usage` asks for."""
        return {**self._head("chat.completion.chunk"), "choices": [], "usage": usage_json(usage)}

    def annotations(self, answer: Answer) -> list[dict[str, Any]]:
        """A `url_citation` for each mark that stands in the text, over the mark itself."""
        found = []
        for citation in answer.citations:
            mark = f"[{citation.n}]"
            if answer.text[citation.at : citation.at + len(mark)] == mark:
                place = {
                    "start_index": citation.at,
                    "end_index": citation.at + len(mark),
                    "title": _name(citation),
                    "url": self.url(citation.document_id, citation.start, citation.end),
                }
                found.append({"type": "url_citation", "url_citation": place})
        return found

    def docent(self, answer: Answer, sources: Sequence[Evidence]) -> dict[str, Any]:
        """What OpenAI's shape has no place for."""
        return {
            "mode": answer.mode,
            "answered": answer.answered,
            "supported": answer.supported,
            "answerability": None if answer.answerability is None else round(answer.answerability, 4),
            "citations": [{**self._citation(citation, sources), "at": citation.at} for citation in answer.citations],
            "quotes": [self._citation(quote, sources) for quote in answer.quotes],
            "sources": [{"n": source.number, **self._passage(source.passage)} for source in sources],
            "closest": [self._passage(passage) for passage in answer.closest],
            "unsupported": [asdict(doubt) for doubt in answer.unsupported],
            "usage": asdict(answer.usage),
            "took_ms": asdict(answer.took_ms),
        }

    def url(self, document_id: int, start: int, end: int) -> str:
        return self.site.rstrip("/") + document_href(document_id, start, end)

    def _citation(self, citation: Citation, sources: Sequence[Evidence]) -> dict[str, Any]:
        url = self.url(citation.document_id, citation.start, citation.end)
        source = source_of(citation.document_id, citation.start, citation.end, sources)
        others = source.passage.also_said_in(citation.start, citation.end) if source else []
        return {**_place(citation), "n": citation.n, "quote": citation.quote, "url": url, **self._named(also_in=others)}

    def _passage(self, passage: Passage) -> dict[str, Any]:
        place = {**_place(passage), "text": passage.text, "score": round(passage.score, 4)}
        url = self.url(passage.document_id, passage.start, passage.end)
        whole = passage.also_said_in(passage.start, passage.end)
        return {**place, "url": url, **self._named(also_in=whole, partly_in=passage.partly_in)}

    def _named(self, **others: Sequence[Place]) -> dict[str, Any]:
        """The other documents with the same words, where there are any."""
        return {
            name: [
                {
                    "document_id": place.document_id,
                    "document": place.document,
                    "title": place.title,
                    "page": place.page,
                    "url": self.url(place.document_id, place.start, place.end),
                }
                for place in places
            ]
            for name, places in others.items()
            if places
        }

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def _place(found: Citation | Passage) -> dict[str, Any]:
    return {
        "document_id": found.document_id,
        "document": found.document,
        "title": found.title,
        "heading": found.heading,
        "page": found.page,
        "start": found.start,
        "end": found.end,
    }


def _name(citation: Citation) -> str:
    title = citation.title or citation.document
    return f"{title}, page {citation.page}" if citation.page is not None else title


def usage_json(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def logprobs_json(logprobs: Sequence[TokenLogprob]) -> dict[str, Any] | None:
    if not logprobs:
        return None
    content = [
        {
            **_token(token.token, token.logprob),
            "top_logprobs": [_token(alternative, value) for alternative, value in token.top],
        }
        for token in logprobs
    ]
    return {"content": content, "refusal": None}


def _token(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": max(logprob, -9999.0), "bytes": list(token.encode())}
