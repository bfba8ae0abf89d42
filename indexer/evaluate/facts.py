"""Which facts an answer holds, and which numbers and names in it are wrong (pure).

A set says with `must` what an answer has to hold, or gives short answers ("October 1973"), one of which it has to hold.
Where its answers are whole sentences, the numbers and names in them are the facts: what a reader would look up, and
what can be compared without judging words.

    judge_facts(answer, gold answers, must)      held and missing
    wrong_facts(sentence, known(gold document))  numbers and names that the document does not hold

Numbers compare by value ("1,500.00" is "1500", "twenty-five" is "25"), names by their stem without capitals and
accents. Not seen: a name that opens its sentence, where an ordinary word has a capital letter as well; a right number
at the wrong words.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from indexer.text.sentences import sentence_spans
from indexer.text.terms import STOP_WORDS, fold, stem

SHORT = 8
"""Words of the longest answer that is a fact by itself: as short are .93 of squad's answers, .03 of clapnq's and .11 of
multi-turn's."""

STEM = 4
"""Letters of the shortest last word of a fact that may go on: "25 minute" is in "25 minutes", "no" is not in "note"."""

_MARK = re.compile(r"\[\d+\]")
_ITEM = re.compile(r"(?m)^[ \t>*+#-]*\(?\d{1,2}[.)][ \t]+(?=\S)")  # the number of a list's item, which claims nothing
_TOKEN = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+|[^\W_]+(?:[.,:/'’&_-][^\W_]+)*")
_PARTS = re.compile(r"[-/:'’&_]")
_BREAK = re.compile(r"[:;|—–\n]|\s-\s")  # behind it an ordinary word may have a capital letter too
_NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)((?:\.\d+)*)(?:st|nd|rd|th|am|pm)?")
_PIECE = re.compile(r"\d+(?:\.\d+)*|[^\W\d_]+")
_SENTENCE = re.compile(r"[.!?][\"'”’)]*\s*$")

_UNITS = "two three four five six seven eight nine"
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES = {
    **{word: value for value, word in enumerate(f"one {_UNITS} {_TEENS}".split(), 1)},
    **dict(zip(_TENS.split(), range(20, 100, 10), strict=True)),
}
_UNIT, _TEN = "|".join(f"one {_UNITS}".split()), "|".join(_TENS.split())
_COMPOUND = re.compile(rf"\b({_TEN})[- ]({_UNIT})\b", re.IGNORECASE)
_ROUND = re.compile(rf"\b({'|'.join(_VALUES)}|\d{{1,3}})[- ](hundred|thousand)\b", re.IGNORECASE)
_ALONE = re.compile(rf"\b({'|'.join(word for word in _VALUES if word != 'one')})\b", re.IGNORECASE)

_ORDINARY = STOP_WORDS | frozenset(
    "i'm ok yes no am pm a b c d e certainly sure sorry absolutely correct true false please note none nothing".split()
)
"""Written with a capital letter, but the name of nothing."""


@dataclass(frozen=True)
class Facts:
    """Of what a set asks for, what an answer holds and what it lacks, as a reader would look for it."""

    held: tuple[str, ...]
    missing: tuple[str, ...]
    share: float  # 0 to 1; all or nothing where the set asks for words, else of the numbers and names


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
    """Which share of what a set asks for an answer holds, 0 to 1; None where the set says nothing that can be held."""
    facts = judge_facts(text, answers, must)
    return facts.share if facts else None


def judge_facts(text: str, answers: Sequence[str], must: Sequence[Sequence[str]]) -> Facts | None:
    """What an answer holds of what a set asks for; None where the set says nothing that can be held.

    With `must`, or with a short answer, it is all (1) or nothing (0). Of whole sentences it is the share of the numbers
    and names of the one that comes out best.
    """
    said = plain(text)
    if must:
        asked = [
            (" | ".join(alternatives), any(_states(said, words) for words in alternatives)) for alternatives in must
        ]
        missing = tuple(fact for fact, held in asked if not held)
        return Facts(tuple(fact for fact, held in asked if held), missing, float(not missing))
    short = [answer for answer in answers if not _is_sentence(answer)]
    found = [Facts((answer,), (), 1.0) for answer in short if _states(said, answer)]
    words = known(text)
    for answer in answers:
        claims = list(dict.fromkeys(numbers_and_names(answer))) if _is_sentence(answer) else []
        if claims:
            held = tuple(claim for claim in claims if _is_known(claim, words))
            missing = tuple(claim for claim in claims if claim not in held)
            found.append(Facts(held, missing, len(held) / len(claims)))
    if found:
        return max(found, key=lambda facts: facts.share)
    return Facts((), (" | ".join(short),), 0.0) if short else None


def _is_sentence(answer: str) -> bool:
    words = len(answer.split())
    return words > SHORT or (words > SHORT // 2 and _SENTENCE.search(answer) is not None)


def _states(said: str, words: str) -> bool:
    """As `holds`, but whole words: "(NTE)" is not in "sentences". A longer last word may go on, as in "minutes"."""
    wanted = plain(words).strip(" .,'-")
    if not wanted:
        return False
    last = re.split(r"[^\w]", wanted)[-1]
    before = r"(?<![^\W_])(?<!\d[.,])" if wanted[0].isdigit() else r"(?<![^\W_])" if wanted[0].isalnum() else ""
    after = r"(?![^\W_])(?![.,]\d)" if wanted[-1].isdigit() else r"(?![^\W_])" if 0 < len(last) < STEM else ""
    return re.search(f"{before}{re.escape(wanted)}{after}", said) is not None


def wrong_facts(sentence: str, words: Collection[str]) -> list[str]:
    """The numbers and names of a sentence that are not among what the right texts hold, see `known`."""
    return [claim for claim in dict.fromkeys(numbers_and_names(sentence)) if not _is_known(claim, words)]


def known(text: str) -> frozenset[str]:
    """Every number and word of a text, in the forms in which a number or name is compared."""
    found: set[str] = set()
    for match in _TOKEN.finditer(_normal(text)):
        found.add(match[0].casefold())
        for part in _parts(match[0]):
            found.add(_key(part))
            pieces = _PIECE.findall(part)
            if not part[0].isdigit():
                found |= set(map(_key, part.split(".")))  # of "days.Ask", as texts are where they are badly read
            if _is_mixed(part) and len(pieces) == 2:  # "4GB", "v10.2.3"
                found |= set(map(_key, pieces))
    return frozenset(found)


def sentences(text: str) -> list[str]:
    """The sentences of an answer, the marks of lists and quotations left out."""
    lines = [line.lstrip("> -*#") for line in text.splitlines()]
    spans = ((line, span) for line in lines for span in sentence_spans(line))
    return [line[start:end] for line, (start, end) in spans if re.search(r"[^\W_]", _MARK.sub("", line[start:end]))]


def numbers_and_names(text: str) -> Iterator[str]:
    """What a text claims that can be looked up, in order: numbers, addresses, and words with a capital letter.

    The first word of a sentence, and one behind a colon or a dash, has a capital letter of its own. It counts where
    nothing follows it there ("Paris."), or when it has a second capital ("FMLA").
    """
    text = _normal(text)
    tokens = list(_TOKEN.finditer(text))
    gaps = pairwise([0, *(end for token in tokens for end in token.span()), len(text)])
    between = [*gaps][::2]  # before the first token, between two, behind the last
    starts = _sentence_starts(text)
    opening = [at == 0 or _opens(text, *gap, starts) for at, gap in enumerate(between)]
    for at, token in enumerate(tokens):
        if "@" in token[0]:
            yield token[0].casefold()
            continue
        is_last = at + 1 == len(tokens) or opening[at + 1]
        alone = is_last and not re.search("[:|]", text[slice(*between[at + 1])])  # no label and no cell of a table
        for number, part in enumerate(_parts(token[0])):
            yield from _claims(part, ordinary=number == 0 and opening[at] and not alone)


def _sentence_starts(text: str) -> list[int]:
    """Rising."""
    starts, at = [], 0
    for line in text.split("\n"):
        starts += [start for start, _ in sentence_spans(text, at, at + len(line))]
        at += len(line) + 1
    return starts


def _opens(text: str, before: int, start: int, starts: Sequence[int]) -> bool:
    """Whether a sentence or clause begins in text[before:start], which parts two words."""
    if _BREAK.search(text, before, start):
        return True
    at = bisect_left(starts, before)
    return at < len(starts) and starts[at] <= start


def _parts(token: str) -> list[str]:
    """What signs join, apart; a comma is part of a number between thousands alone."""
    parts = [part for part in _PARTS.split(token) if part]
    return [one for part in parts for one in ([part] if _NUMBER.fullmatch(part.casefold()) else part.split(","))]


def _claims(part: str, *, ordinary: bool) -> Iterator[str]:
    """`ordinary`: any word would have a capital letter here."""
    lower, capitals = part.casefold(), sum(character.isupper() for character in part)
    if re.search(r"\d", part):
        yield _key(part)
    elif part[:1].isupper() and (capitals > 1 or not (ordinary or lower in _ORDINARY)) and lower != "ok":
        yield lower.replace(".", "")


def _is_known(claim: str, words: Collection[str]) -> bool:
    """As it is, by its stem, or "4gb" as "4" and "gb"."""
    if claim in words or _key(claim) in words:
        return True
    return _is_mixed(claim) and all(_key(piece) in words for piece in _PIECE.findall(claim))


def _is_mixed(word: str) -> bool:
    return re.search(r"\d", word) is not None and re.search(r"[^\W\d_]", word) is not None


def _key(word: str) -> str:
    """The form in which numbers and words are compared."""
    lower = word.casefold()
    number = _NUMBER.fullmatch(lower)
    if number is None:
        return stem(fold(lower).replace(".", ""))
    whole, decimals = number[1].replace(",", "").lstrip("0") or "0", number[2]
    return whole + (re.sub(r"\.0+$", "", decimals) if decimals.count(".") == 1 else decimals)


def _normal(text: str) -> str:
    """In compatibility form, numbers in digits, without marks and the numbers of lists."""
    text = _ITEM.sub("", _MARK.sub(" ", unicodedata.normalize("NFKC", text)))
    text = _COMPOUND.sub(lambda match: str(_value(match[1]) + _value(match[2])), text)
    text = _ROUND.sub(lambda match: str(_value(match[1]) * (100 if match[2].lower() == "hundred" else 1000)), text)
    return _ALONE.sub(lambda match: str(_value(match[1])), text)


def _value(word: str) -> int:
    return int(word) if word.isdigit() else _VALUES[word.lower()]
