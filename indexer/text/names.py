"""The numbers and names of a text: what can be looked up in another text without judging words (pure)."""

import re
from collections.abc import Iterator

from indexer.text.sentences import sentence_spans

_MARK = re.compile(r"\[\d+\]")
_WORD = re.compile(r"[^\W_]+(?:[.,:/'’&-][^\W_]+)*", re.UNICODE)
_WRITTEN_OUT = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
_NUMBERS = {word: str(value) for value, word in enumerate(_WRITTEN_OUT)}
_ORDINARY = frozenset("i i'm i'll i've i'd ok yes no am pm a b c d e".split())
"""Written with a capital letter, but the name of nothing."""


def numbers_and_names(text: str, *, everywhere: bool = False) -> Iterator[str]:
    """Numbers as one writes them plainly, and capitalised words in lower case.

    The first word of a sentence has a capital letter of its own and counts only `everywhere`, which takes every word:
    a name may be written without its capital letter in a source.
    """
    for line in _MARK.sub(" ", text).splitlines():
        for start, end in sentence_spans(line):
            for position, match in enumerate(_WORD.finditer(line, start, end)):
                yield from _facts(match[0], first=position == 0, everywhere=everywhere)


def _facts(word: str, *, first: bool, everywhere: bool) -> Iterator[str]:
    for part in {word, *re.split(r"[-/:’']", word)} if everywhere else re.split(r"[-/:]", re.sub(r"['’]s$", "", word)):
        lower = part.casefold()
        if part[:1].isdigit():
            yield re.sub(r"\.0+$", "", lower.replace(",", "")).rstrip("stndrh%") or lower
        elif lower in _NUMBERS and everywhere:
            yield from (_NUMBERS[lower], lower)
        elif everywhere or (part[:1].isupper() and not first and lower not in _ORDINARY):
            yield lower
