"""Which facts an answer holds, and which numbers and names in it are wrong (pure).

A set says with `must` what an answer has to hold, or gives short answers ("October 1973"), one of which it has to hold.
Where its answers are whole sentences, the numbers and names in them are the facts: what a reader would look up, and
what can be compared without judging words.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from indexer.text.sentences import sentence_spans

SHORT = 8
"""Words of the longest answer that is a fact by itself: as short are .93 of squad's answers, .03 of clapnq's and .11 of
multi-turn's."""

_MARK = re.compile(r"\[\d+\]")
_WORD = re.compile(r"[^\W_]+(?:[.,:/'’&-][^\W_]+)*", re.UNICODE)
_WRITTEN_OUT = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
_NUMBERS = {word: str(value) for value, word in enumerate(_WRITTEN_OUT)}
_ORDINARY = frozenset("i i'm i'll i've i'd ok yes no am pm a b c d e".split())
"""Written with a capital letter, but the name of nothing."""


def plain(text: str) -> str:
    """For comparing: lower case, marks such as [1] and punctuation out, white space folded."""
    text = re.sub(r"\[\d+\]", " ", text).casefold().replace("’", "'")
    return " ".join(re.sub(r"[^\w$%'.,@-]+", " ", text).split())


def holds(text: str, words: str) -> bool:
    """Whether plain text holds the words; a number only as a number of its own: 5 is not in 15 or 5.5."""
    wanted = plain(words)
    before = r"(?<![\d])(?<!\d[.,])" if wanted[:1].isdigit() else ""
    after = r"(?![\d])(?![.,]\d)" if wanted[-1:].isdigit() else ""
    return bool(wanted) and re.search(f"{before}{re.escape(wanted)}{after}", text) is not None


def facts_held(text: str, answers: Sequence[str], must: Sequence[Sequence[str]]) -> float | None:
    """Which share of what a set asks for an answer holds, 0 to 1; None where the set says nothing that can be held.

    With `must`, or with a short answer, it is all (1) or nothing (0). Of long answers it is the share of the numbers
    and names of the one that comes out best.
    """
    held = plain(text)
    if must:
        return float(all(any(holds(held, words) for words in alternatives) for alternatives in must))
    short = [answer for answer in answers if len(answer.split()) <= SHORT]
    if short:
        return float(any(holds(held, answer) for answer in short))
    said = set(numbers_and_names(text, everywhere=True))
    wanted = [set(numbers_and_names(answer)) for answer in answers]
    shares = [len(facts & said) / len(facts) for facts in wanted if facts]
    return max(shares, default=None)


def wrong_facts(sentence: str, sources: Iterable[str]) -> list[str]:
    """The numbers and names of a sentence that none of the sources holds."""
    known = {fact for source in sources for fact in numbers_and_names(source, everywhere=True)}
    return [fact for fact in numbers_and_names(sentence) if fact not in known]


def sentences(text: str) -> list[str]:
    """The sentences of an answer, the marks of lists and quotations left out."""
    lines = [line.lstrip("> -*#") for line in text.splitlines()]
    return [line[start:end] for line in lines for start, end in sentence_spans(line) if plain(line[start:end])]


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
