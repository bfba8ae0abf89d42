"""The exceptions that a request can end in: `web/problems.py` turns them into HTTP, `indexer/console.py` into a status.

DocentError
└── RequestError                 status, OpenAI error type, param, code
    ├── BadRequest               400 invalid_request_error
    │   └── ContextTooLong       400 context_length_exceeded
    ├── Unauthorised             401
    ├── Forbidden                403
    ├── NotFound                 404
    ├── Conflict                 409: it was changed meanwhile
    ├── TooLarge                 413
    ├── TooBusy                  429, retry_after seconds
    └── Unavailable              503: the model is missing, loading or failed
"""

from typing import ClassVar

from indexer.errors import DocentError


class RequestError(DocentError):
    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"

    def __init__(self, what: str, advice: str = "", *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(what, advice)
        self.param = param
        self.code = code


class BadRequest(RequestError):  # noqa: N818 (the HTTP status it stands for)
    status: ClassVar[int] = 400
    type: ClassVar[str] = "invalid_request_error"


class ContextTooLong(BadRequest):
    """The prompt has more tokens than the model's context leaves room for."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(
            f"The prompt has {tokens} tokens, but the model reads at most {limit}.",
            "Shorten the messages or ask for fewer passages.",
            param="messages",
            code="context_length_exceeded",
        )
        self.tokens = tokens


class Unauthorised(RequestError):  # noqa: N818
    status: ClassVar[int] = 401
    type: ClassVar[str] = "authentication_error"


class Forbidden(RequestError):  # noqa: N818
    status: ClassVar[int] = 403
    type: ClassVar[str] = "permission_error"


class NotFound(RequestError):  # noqa: N818
    status: ClassVar[int] = 404
    type: ClassVar[str] = "invalid_request_error"


class Conflict(RequestError):  # noqa: N818
    status: ClassVar[int] = 409
    type: ClassVar[str] = "invalid_request_error"


class TooLarge(RequestError):  # noqa: N818
    status: ClassVar[int] = 413
    type: ClassVar[str] = "invalid_request_error"


class TooBusy(RequestError):  # noqa: N818
    status: ClassVar[int] = 429
    type: ClassVar[str] = "rate_limit_error"

    def __init__(self, what: str, advice: str = "", *, retry_after: int = 5) -> None:
        super().__init__(what, advice, code="queue_full")
        self.retry_after = retry_after  # seconds


class Unavailable(RequestError):  # noqa: N818
    status: ClassVar[int] = 503
    type: ClassVar[str] = "server_error"


def server_stops() -> Unavailable:
    return Unavailable("Docent is being stopped or restarted.", "Ask again in a moment.", code="server_stops")
