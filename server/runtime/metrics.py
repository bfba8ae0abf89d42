"""What is counted for Prometheus: one registry an application, so that two of them in a process stay apart."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.answering.events import Answer, AnswerEvent

RETRIEVE_BUCKETS = (0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 0.5, 1, 2)  # seconds; a search shall take under .06
FIRST_TOKEN_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 40, 60, 120)  # seconds; five passages on two cores: 60


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "docent_requests", "HTTP requests by route.", ["method", "route", "status"], registry=self.registry
        )
        self.answers = Counter(
            "docent_answers", "Questions by how they ended.", ["mode", "outcome"], registry=self.registry
        )
        self.prompt_tokens = Counter(
            "docent_prompt_tokens", "Tokens of prompts, computed or from the cache.", registry=self.registry
        )
        self.completion_tokens = Counter("docent_completion_tokens", "Tokens written.", registry=self.registry)
        self.retrieve = Histogram(
            "docent_retrieve_seconds", "Time of a search.", buckets=RETRIEVE_BUCKETS, registry=self.registry
        )
        self.first_token = Histogram(
            "docent_first_token_seconds",
            "Time from the question to the first word of the answer.",
            buckets=FIRST_TOKEN_BUCKETS,
            registry=self.registry,
        )
        self.open_questions = Gauge(
            "docent_open_questions", "Questions that are being answered or wait.", registry=self.registry
        )
        self.documents = Gauge("docent_documents", "Searchable documents.", ["collection"], registry=self.registry)
        self.ready = Gauge("docent_ready", "1 where a part is ready.", ["part"], registry=self.registry)
        self.model_fetched = Gauge(
            "docent_language_model_fetched_bytes",
            "What has arrived of a language model that is fetched behind the page.",
            registry=self.registry,
        )
        self.model_size = Gauge(
            "docent_language_model_bytes", "How large its file is; 0 where none is fetched.", registry=self.registry
        )
        self.drafts = DraftCounts()
        self.registry.register(self.drafts)

    async def measured(self, events: AsyncGenerator[AnswerEvent, None]) -> AsyncGenerator[AnswerEvent, None]:
        """The same events, counted."""
        outcome = "stopped"
        self.open_questions.inc()
        try:
            async with aclosing(events) as stream:
                async for event in stream:
                    if isinstance(event, Answer):
                        outcome = ""
                        self._answered(event)
                    yield event
        except Exception:
            outcome = "failed"
            raise
        finally:
            self.open_questions.dec()
            if outcome:
                self.answers.labels("", outcome).inc()

    def _answered(self, answer: Answer) -> None:
        self.answers.labels(answer.mode, "answered" if answer.answered else "not_in_documents").inc()
        self.prompt_tokens.inc(answer.usage.prompt_tokens)
        self.completion_tokens.inc(answer.usage.completion_tokens)
        self.retrieve.observe(answer.took_ms.retrieve / 1000)
        self.first_token.observe(answer.took_ms.first_token / 1000)

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)


class DraftCounts(Collector):
    """What the engine has counted itself since its start."""

    drafted = accepted = 0  # tokens

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "docent_drafted_tokens", "Tokens guessed from prompts and checked by the model.", self.drafted
        )
        yield CounterMetricFamily("docent_accepted_tokens", "Guessed tokens that the model chose too.", self.accepted)


class CountedRequests:
    """ASGI: counts every request under its route's template, so that ids do not become labels."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 499  # the client went away before anything was sent

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if scope["method"] in ("GET", "POST", "PUT", "DELETE", "HEAD") else "other"
            self.metrics.requests.labels(method, route, status).inc()
