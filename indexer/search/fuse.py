"""Scores by meaning and by words to one (pure): a chunk is as good as its best sentence, and a little its BM25.

Every score has fixed bounds, so that a question whose words stand nowhere is not decided by the few chunks that share
one of them: brought to 0..1 by the best and worst of the candidates, BM25 counted as much there as anywhere. The
weights were chosen on six question sets together; docs/decisions.md has the table.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]

SENTENCE_COSINE = 0.75
"""Share of the cosine in a sentence's score; the rest is its share of the question's words. handbook and contoso hit@1
.795, squad .858, multi-turn nDCG@10 .937; with .85: .744, .847, .927; with .7: .744, .860, .935."""

BM25_WEIGHT = 0.2
"""Against the best sentence. squad hit@1 .858, handbook and contoso .795; with .1: .851, .795; with .3: .860, .769."""

FIRST_LOOK_BM25 = 0.4
"""Against the chunk's cosine, where no sentence has been read yet. It chooses the `RERANKED` only: .5 changes nothing,
.2 costs .007 of multi-turn's nDCG@10."""

RERANKED = 32
"""Chunks whose sentences are looked at: 48, 64 and 100 change no figure by more than .001, and take longer."""

SAME_DOCUMENT = 0.06
"""What a passage loses when a better one of its document is shown: handbook recall@5 .893 (.857 without), the same from
.04 to .12; contoso's nDCG@10 falls at .12, nothing else changes."""

HISTORY_WEIGHT = 0.7
"""Share of the scores for earlier turns joined to the question, against those of the question alone. Multi-turn
recall@5 / nDCG@10, nDCG@10 of nine employees' follow-ups: .929 / .937, .91; .65 gives .923 / .937, .88; .9
.919 / .914, .96. Making it depend on the length of the question gained nothing."""

OLDER_WEIGHT = 0.4
"""Within that, the share of the question joined to all of the last turns, against that joined to the one before it
alone. Multi-turn recall@5 / nDCG@10: .911 / .915 without (history .6), .925 / .933 with .29, .929 / .937 with .43."""

OLDER_TURNS = 5
"""Earlier messages of the user that are joined: 3 are as good on multi-turn, 2 cost .008 of nDCG@10, 7 gain nothing."""


def first_look(cosine: Scores, words: Scores) -> Scores:
    """Which chunks are worth reading: cosine and share of the most BM25 there could be, float32 (n,), by weight."""
    return np.asarray((1 - FIRST_LOOK_BM25) * cosine + FIRST_LOOK_BM25 * words, np.float32)


def sentence_scores(cosine: Scores, overlap: Scores) -> Scores:
    """Of sentences: cosine with the question, and share of its words that they hold, by weight; float32 (n,)."""
    return np.asarray(SENTENCE_COSINE * cosine + (1 - SENTENCE_COSINE) * overlap, np.float32)


def fuse(best_sentence: Scores, words: Scores) -> Scores:
    """Of chunks: the score of the best sentence, and the share of the most BM25 there could be; float32 (n,)."""
    return np.asarray((1 - BM25_WEIGHT) * best_sentence + BM25_WEIGHT * words, np.float32)


def turn_shares(turns: int) -> Sequence[float]:
    """What the question alone counts, joined to the message before it, and joined to all of the last ones."""
    if turns == 0:
        return (1.0,)
    if turns == 1:
        return (1 - HISTORY_WEIGHT, HISTORY_WEIGHT)
    return (1 - HISTORY_WEIGHT, HISTORY_WEIGHT * (1 - OLDER_WEIGHT), HISTORY_WEIGHT * OLDER_WEIGHT)
