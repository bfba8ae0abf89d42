"""Which words of which document a passage is, as one text, for who keeps what the model has read of it (pure).

source(passage)            says it
gone(sources, excerpts)    which of them are not said any more: what was read of them has to go
"""

import hashlib
import re
from collections.abc import Callable, Collection, Sequence

from indexer.passages import Passage

_SOURCE = re.compile(r"([0-9]{1,18}):([0-9]{1,18})-([0-9]{1,18}):([0-9a-f]{16})")

Excerpts = Callable[[Sequence[tuple[int, int, int]]], Sequence[str | None]]
"""What documents say now at (document id, start, end); None where one is gone."""


def source(passage: Passage) -> str:
    return f"{passage.document_id}:{passage.start}-{passage.end}:{_hash(passage.text)}"


def gone(sources: Collection[str], excerpts: Excerpts) -> frozenset[str]:
    """Those whose document is gone or says something else there now, and what is no source at all."""
    known = {source: found for source in sources if (found := _SOURCE.fullmatch(source))}
    places = [(int(found[1]), int(found[2]), int(found[3])) for found in known.values()]
    says = excerpts(places)
    stands = {s for (s, found), text in zip(known.items(), says, strict=True) if text and _hash(text) == found[4]}
    return frozenset(sources) - stands


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
