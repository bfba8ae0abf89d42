"""Large answers as JSON, written a piece at a time.

json.dumps lets no other thread run until it is done, whichever thread calls it: half a second for the vectors of 2,048
texts. Between its pieces the event loop gets its turn.
"""

import json
from typing import Any

from fastapi.responses import JSONResponse

DEPTH = 5
"""So deep in OpenAI's shapes lie the lists that can be long: `choices`, a choice, `logprobs`, its `content`, and there
each token is a piece."""


class JsonInPieces(JSONResponse):
    """Make it in a thread: it is written when it is made."""

    def render(self, content: Any) -> bytes:
        return in_pieces(content).encode()


def in_pieces(value: Any, depth: int = DEPTH) -> str:
    """The same as json.dumps gives, without blanks. Raises ValueError for what is no JSON, as NaN is not."""
    if depth and isinstance(value, dict):
        members = (f"{_dumps(str(name))}:{in_pieces(member, depth - 1)}" for name, member in value.items())
        return f"{{{','.join(members)}}}"
    if depth and isinstance(value, list | tuple) and value and isinstance(value[0], dict | list | tuple):
        return f"[{','.join(in_pieces(item, depth - 1) for item in value)}]"
    return _dumps(value)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
