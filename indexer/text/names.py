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
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_NUMBERS = {word: str(value) for value, word in enumerate(_WRITTEN_OUT)} | {
    word: str(10 * tens) for tens, word in enumerate(_TENS, start=2)
}
_ONES = "|".join(_WRITTEN_OUT[1:10])
_WRITTEN_NUMBER = re.compile(rf"\b({'|'.join(_TENS)})[ -]({_ONES})\b|\b({'|'.join(_NUMBERS)})\b")
_ORDINARY = frozenset("i i'm i'll i've i'd ok yes no am pm a b c d e".split())
"""Written with a capital letter, but the name of nothing."""


def numbers_and_names(text: str, *, everywhere: bool = False) -> Iterator[str]:
    """Numbers as one writes them plainly, and capitalised words in lower case.

    The first word of a sentence has a capital letter of its own and counts only `everywhere`, which takes every word:
    a name may be written without its capital letter in a source.
    """
    if everywhere:
        yield from written_numbers(text)
    for line in _MARK.sub(" ", text).splitlines():
        for start, end in sentence_spans(line):
            for position, match in enumerate(_WORD.finditer(line, start, end)):
                yield from _facts(match[0], first=position == 0, everywhere=everywhere)


def written_numbers(text: str) -> frozenset[str]:
    """The numbers from 0 to 99 that are written out, in digits: "twenty-five" is "25" and nothing else."""
    found = (
        int(_NUMBERS[match[1]]) + int(_NUMBERS[match[2]]) if match[1] else _NUMBERS[match[3]]
        for match in _WRITTEN_NUMBER.finditer(text.casefold())
    )
    return frozenset(map(str, found))


def _facts(word: str, *, first: bool, everywhere: bool) -> Iterator[str]:
    for part in {word, *re.split(r"[-/:’']", word)} if everywhere else re.split(r"[-/:]", re.sub(r"['’]s$", "", word)):
        lower = part.casefold()
        if part[:1].isdigit():
            yield re.sub(r"\.0+$", "", lower.replace(",", "")).rstrip("stndrh%") or lower
        elif lower in _NUMBERS and everywhere:
            yield from (_NUMBERS[lower], lower)
        elif everywhere or (part[:1].isupper() and not first and lower not in _ORDINARY):
            yield lower
