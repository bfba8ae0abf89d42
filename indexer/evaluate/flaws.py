"""What is no answer, however it is worded (pure): nothing, only marks, a sentence twice, the question once more."""

import re
from collections import Counter
from itertools import chain

from indexer.evaluate.facts import sentences

TWICE = 4
"""Words of the shortest sentence that may not stand twice: "It is not covered." may be right of two plans."""

_MARK = re.compile(r"\[\d+\]")
_WORD = re.compile(r"[^\W_]+(?:[.,'’-][^\W_]+)*")
_LABEL = re.compile(r"^\W*(?:q|question|answer|a)\s*:\s*", re.IGNORECASE)


def flaw(text: str, question: str) -> str:
    """What an answer is instead of one, in words for people; "" for any other."""
    if not text.strip():
        return "empty"
    words = words_of(text)
    if not words:
        return "only marks" if _MARK.search(text) else "no words"
    if words == words_of(question):
        return "the question"
    said = Counter(tuple(words_of(sentence)) for sentence in sentences(text))
    twice = [sentence for sentence, count in said.items() if count > 1]
    if any(len(sentence) >= TWICE for sentence in twice) or len(twice) == len(said):
        return "a sentence twice"
    return ""


def words_of(text: str) -> list[str]:
    """Folded words without marks such as [1] and without a label such as "Question:"."""
    lines = (_LABEL.sub("", line) for line in _MARK.sub(" ", text).splitlines())
    return [word.casefold() for word in chain.from_iterable(map(_WORD.findall, lines))]
