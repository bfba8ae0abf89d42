"""What programs send: the requests of the API under /v1. Unknown fields are ignored, as clients send ever new ones.

Every list has a longest length and stops at its first wrong value, and every object has a largest number of fields: a
body is refused in the time that its first fault takes, and not all of them.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from indexer.knowledge.chosen import MOST_DOCUMENTS
from server.errors import BadRequest
from server.web.parameters import LARGEST, Json, Row, Whole, Words

MAX_STOPS = 4  # as the API that clients are written for
MAX_INPUTS = 2048  # texts of one embedding request
MAX_BIASED = 1024  # tokens of one request
MAX_QUESTION = 100_000  # characters
ROLES = ("system", "developer", "user", "assistant")
MAX_MESSAGES = 4096  # of one request, and parts of one message
MAX_NAMES = 100
MAX_FIELDS = 100  # of an object; the largest of ours has 22
INT32 = 2**31 - 1  # what the engine counts tokens in


def _few(value: object) -> object:
    """Each field too many, and each wrong one, would be an error of its own."""
    if isinstance(value, dict) and len(value) > MAX_BIASED:
        raise ValueError(f"an object here has at most {MAX_BIASED} fields")
    return value


Positive = Annotated[int, Field(ge=1, le=LARGEST)]
TokenId = Annotated[int, Field(ge=0, le=INT32)]
Bias = Annotated[float, Field(ge=-100, le=100)]
Biases = Annotated[dict[TokenId, Bias], Field(max_length=MAX_BIASED), BeforeValidator(_few)]
Role = Annotated[Words, WithJsonSchema({"type": "string", "enum": list(ROLES)})]
"""Another role is refused with a sentence of its own (completion_shapes.py)."""

Names = Annotated[list[Words], Field(max_length=MAX_NAMES, fail_fast=True)]
Documents = Annotated[list[Row | Words], Field(max_length=MOST_DOCUMENTS, fail_fast=True)]
"""By id, or by path below the folder that was ingested."""
Texts = Annotated[list[Words], Field(max_length=MAX_INPUTS, fail_fast=True)]
Parts = Annotated[list[Json], Field(max_length=MAX_MESSAGES, fail_fast=True)]
Anything = Annotated[list[Any], Field(max_length=MAX_MESSAGES)]


def _or_default(options: object) -> object:
    """Clients that leave out what they do not set often write null for it."""
    return {} if options is None else options


class Sent(BaseModel):
    """An object that a program sends."""

    @model_validator(mode="before")
    @classmethod
    def _few_fields(cls, value: Any) -> Any:
        if isinstance(value, dict) and len(value) > MAX_FIELDS:
            raise ValueError(f"an object here has at most {MAX_FIELDS} fields")
        return value


class ErrorDetail(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """What every refusal and failure under /v1 is told as (web/problems.py)."""

    error: ErrorDetail


REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "The request is refused: the message says why and what to do."},
    "5XX": {"model": ErrorBody, "description": "A part is missing, busy or failed: the message says which."},
}
"""For `APIRouter(responses=...)`."""


class DocentOptions(Sent):
    """How Docent shall search. A misspelt option would silently search everything: it is refused."""

    model_config = ConfigDict(extra="forbid")

    collections: Names | None = None
    documents: Documents | None = None
    retrieval: Literal["auto", "off"] = "auto"
    top_k: int = Field(8, ge=1, le=50)
    abstain: bool = True
    spelling: Literal["auto", "exact"] = "auto"


class ChatMessage(Sent):
    role: Role
    content: Words | Parts | None = None


class StreamOptions(Sent):
    include_usage: bool = False


class JsonSchema(Sent):
    json_schema: Json | None = Field(None, alias="schema")


class ResponseFormat(Sent):
    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchema | None = None


class ChatRequest(Sent):
    """The body of POST /v1/chat/completions."""

    model: Words
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MAX_MESSAGES, fail_fast=True)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=0, le=INT32)
    min_p: float | None = Field(None, ge=0, le=1)
    repeat_penalty: float | None = Field(None, ge=0.1, le=10)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    logit_bias: Biases | None = None
    max_tokens: Positive | None = None
    max_completion_tokens: Positive | None = None
    stop: Words | Names | None = None
    seed: Whole | None = None
    n: Whole | None = 1
    response_format: ResponseFormat | None = None
    logprobs: bool | None = False
    top_logprobs: int | None = Field(None, ge=0, le=20)
    tools: Anything | None = None
    functions: Anything | None = None
    docent: Annotated[DocentOptions, BeforeValidator(_or_default)] = Field(default_factory=DocentOptions)

    def check(self) -> None:
        """Raises BadRequest for what is well-formed but not to be had."""
        if self.n not in (None, 1):
            raise BadRequest("Docent gives one answer a request.", "Leave n out or send 1.", param="n")
        for param in ("tools", "functions"):
            if getattr(self, param):
                raise BadRequest("Docent does not call tools yet.", f"Send the request without {param}.", param=param)
        if self.stream_options is not None and not self.stream:
            raise BadRequest("stream_options needs stream: true.", param="stream_options")
        if self.top_logprobs is not None and not self.logprobs:
            raise BadRequest("top_logprobs needs logprobs: true.", param="top_logprobs")
        if len(self.stops) > MAX_STOPS or "" in self.stops:
            raise BadRequest(f"Send at most {MAX_STOPS} stop strings, none of them empty.", param="stop")
        if self.response_format is not None and self.response_format.type == "json_schema" and self.schema is None:
            raise BadRequest("The schema is missing.", param="response_format.json_schema.schema")

    @property
    def stops(self) -> tuple[str, ...]:
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @property
    def schema(self) -> dict[str, Any] | None:  # type: ignore[override]
        """The JSON schema that the answer shall have; {} stands for any object, None for prose."""
        if self.response_format is None or self.response_format.type == "text":
            return None
        if self.response_format.type == "json_object":
            return {}
        return self.response_format.json_schema.json_schema if self.response_format.json_schema else None


class EmbeddingRequest(Sent):
    """The body of POST /v1/embeddings."""

    model: Words
    input: Texts | Words
    encoding_format: Literal["float", "base64"] | None = "float"
    dimensions: Whole | None = None

    @property
    def texts(self) -> list[str]:
        return [self.input] if isinstance(self.input, str) else self.input


class SearchRequest(Sent):
    """The body of POST /v1/search. `history`: the user's earlier messages, oldest first."""

    model_config = ConfigDict(extra="forbid")

    query: Words = Field(min_length=1, max_length=MAX_QUESTION)
    history: Names = Field(default_factory=list)
    collections: Names | None = None
    documents: Documents | None = None
    top_k: int = Field(8, ge=1, le=50)
    spelling: Literal["auto", "exact"] = "auto"
