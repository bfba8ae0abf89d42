"""Scores of two kinds to one (pure): convex combination, half by meaning and nearly half by words.

The weights were chosen on five question sets together (recall@5 on multi-turn, hit@5 on the others), each against the
plain .5/.5 fusion of chunk cosines and BM25; docs/decisions.md has the table.
"""

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]

DENSE_WEIGHT = 0.6
"""handbook .893, contoso .818, multi-turn .896, squad .978; with .5: .893, .727, .902, .978; with .65: .893, .818,
.893, .977. Reciprocal-rank fusion loses to BM25 alone on squad (.934 against .936)."""

SENTENCE_WEIGHT = 0.7
"""Share of a chunk's best sentence in its cosine: hit@1 on handbook .714 (.643 at .5), on squad .873 (.863 at 0)."""

HISTORY_WEIGHT = 0.6
"""Share of the scores for the last two user turns joined, against those of the last turn alone: multi-turn .906 (.896
at .5, .874 at .4)."""

RERANKED = 48
"""Chunks whose sentences are looked at: 64 gain nothing, 32 cost .002 on multi-turn."""


def fuse(cosine: Scores, bm25: Scores) -> Scores:
    """Both brought to 0..1 and added by weight (Bruch et al., arXiv:2210.11934): float32 (n,), in and out."""
    if not len(cosine):
        return cosine
    low, high = float(cosine.min()), float(cosine.max())
    dense = (cosine - low) / max(high - low, 1e-6)
    words = bm25 / max(float(bm25.max()), 1e-6)
    return np.asarray(DENSE_WEIGHT * dense + (1 - DENSE_WEIGHT) * words, np.float32)


def with_best_sentence(cosine: Scores, best: Scores) -> Scores:
    """A chunk's cosine, lifted or lowered by that of its best sentence: float32 (n,)."""
    return np.asarray((1 - SENTENCE_WEIGHT) * cosine + SENTENCE_WEIGHT * best, np.float32)
