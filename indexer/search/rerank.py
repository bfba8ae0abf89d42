"""A cross-encoder that reads the best passages again, if the operator names one (`DOCENT_RERANKER`); off by default.

It reads question and passage together, which can tell more than two vectors do, and takes as long as embedding the
passage anew: some 30 ms with a model of the built-in embedder's size. So it has a budget of milliseconds a question;
what it has not reached then stays behind what it has, in the order it had. What it gains is unmeasured: no such model
could be had where this was written, and one can also lose.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from indexer.errors import EmbedderError
from indexer.settings import IndexerSettings

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

READ = 12
"""Passages that are read at the most: an answer is written from five."""
BATCH = 4
"""Passages between two looks at the clock."""


class Reranker:
    """Thread-safe. Loading takes seconds: torch is imported then."""

    def __init__(self, name: str, budget_ms: int) -> None:
        """`name`: a folder, or a name on the Hugging Face hub. Raises EmbedderError."""
        self._budget = budget_ms / 1000
        self._model = _load(name)

    def order(self, question: str, texts: Sequence[str]) -> list[int]:
        """Places of the texts, best first. `texts` come best first, as far as is known without reading them."""
        started = time.monotonic()
        scores: list[float] = []
        while len(scores) < min(READ, len(texts)) and time.monotonic() - started < self._budget:
            batch = texts[len(scores) : min(len(scores) + BATCH, READ)]
            predicted = self._model.predict([(question, text) for text in batch], show_progress_bar=False)
            scores += np.asarray(predicted, np.float32).reshape(len(batch)).tolist()
        read = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
        return [*read, *range(len(scores), len(texts))]


def open_reranker(settings: IndexerSettings) -> Reranker | None:
    """The one that the settings name. Raises EmbedderError."""
    return Reranker(settings.reranker, settings.rerank_ms) if settings.reranker else None


def _load(name: str) -> "CrossEncoder":
    folder = Path(name).expanduser()
    here = folder.is_dir()
    try:
        from sentence_transformers import CrossEncoder

        model: CrossEncoder = CrossEncoder(str(folder) if here else name, device="cpu", local_files_only=here)
    except Exception as error:  # the library raises whatever its parts raise
        raise EmbedderError(
            f"The cross-encoder {name} cannot be loaded ({error}).",
            "Correct DOCENT_RERANKER, lay the model's folder here, or leave it out.",
        ) from error
    if model.num_labels != 1:
        raise EmbedderError(
            f"The cross-encoder {name} tells {model.num_labels} classes apart and gives no single score.",
            "Set DOCENT_RERANKER to a model that was trained to rank, or leave it out.",
        )
    model.eval()
    return model
