"""What programs send: the requests of the API under /v1. Unknown fields are ignored, as clients send ever new ones."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from server.errors import BadRequest

MAX_STOPS = 4  # as the API that clients are written for
MAX_INPUTS = 2048  # texts of one embedding request
MAX_BIASED = 1024  # tokens of one request
MAX_QUESTION = 100_000  # characters


def _well_formed(text: str) -> str:
    """JSON may escape half a surrogate pair, which no database and no tokenizer takes."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("the text holds half a surrogate pair, which is not valid Unicode") from error
    return text


Words = Annotated[str, AfterValidator(_well_formed)]


TokenId = Annotated[int, Field(ge=0)]
Bias = Annotated[float, Field(ge=-100, le=100)]


def _or_default(options: object) -> object:
    """Clients that leave out what they do not set often write null for it."""
    return {} if options is None else options


class DocentOptions(BaseModel):
    """How Docent shall search. A misspelt option would silently search everything: it is refused."""

    model_config = ConfigDict(extra="forbid")

    collections: list[Words] | None = Field(None, max_length=100)
    retrieval: Literal["auto", "off"] = "auto"
    top_k: int = Field(8, ge=1, le=50)
    abstain: bool = True
    spelling: Literal["auto", "exact"] = "auto"


class ChatMessage(BaseModel):
    role: str
    content: Words | list[dict[str, Any]] | None = None


class StreamOptions(BaseModel):
    include_usage: bool = False


class JsonSchema(BaseModel):
    json_schema: dict[str, Any] | None = Field(None, alias="schema")


class ResponseFormat(BaseModel):
    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchema | None = None


class ChatRequest(BaseModel):
    """The body of POST /v1/chat/completions."""

    model: Words
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=0)
    min_p: float | None = Field(None, ge=0, le=1)
    repeat_penalty: float | None = Field(None, ge=0.1, le=10)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    logit_bias: dict[TokenId, Bias] | None = Field(None, max_length=MAX_BIASED)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    stop: Words | list[Words] | None = None
    seed: int | None = None
    n: int | None = 1
    response_format: ResponseFormat | None = None
    logprobs: bool | None = False
    top_logprobs: int | None = Field(None, ge=0, le=20)
    tools: list[Any] | None = None
    functions: list[Any] | None = None
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


class EmbeddingRequest(BaseModel):
    """The body of POST /v1/embeddings."""

    model: Words
    input: Words | list[Words] = Field(max_length=None)
    encoding_format: Literal["float", "base64"] | None = "float"
    dimensions: int | None = None

    @property
    def texts(self) -> list[str]:
        return [self.input] if isinstance(self.input, str) else self.input


class SearchRequest(BaseModel):
    """The body of POST /v1/search. `history`: the user's earlier messages, oldest first."""

    model_config = ConfigDict(extra="forbid")

    query: Words = Field(min_length=1, max_length=MAX_QUESTION)
    history: list[Words] = Field(default_factory=list, max_length=100)
    collections: list[Words] | None = Field(None, max_length=100)
    top_k: int = Field(8, ge=1, le=50)
    spelling: Literal["auto", "exact"] = "auto"
