"""What kind of thing a question asks for, and whether a sentence holds one that the question does not (pure)."""

import re
from collections.abc import Set
from typing import Literal

from indexer.text.terms import words

AnswerKind = Literal["number", "time", "place", "reason", "way"]

_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_UNITS = "days?|weeks?|months?|years?|hours?|minutes?|decades?|century|centuries"
_NUMBERS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fifteen|twenty|thirty|forty|fifty|sixty"
    "|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|half|third|quarter|once|twice|dozen"
)
_ASKS: dict[str, str] = {
    "number": (
        r"\bhow (many|much|long|often|old|far|big|large|tall|high|fast|soon|late|early|deep|wide|heavy)\b"
        r"|\b(what|which) (%|percent|number|amount|proportion|share|population|age|size|rate|price|cost|limit)"
        r"|\b(longest|shortest|latest|earliest|highest|lowest|maximum|minimum|at (the )?(most|least))\b"
        r"|\bcosts?\b|\bfees?\b|\bdeductible\b|\bcopay\b"
    ),
    "time": r"\bwhen\b|\b(what|which) (year|date|day|month|century|decade|time|era|period)|\bdeadline\b|\bsince what\b",
    "place": (
        r"\bwhere\b|\b(what|which) (city|country|state|place|town|location|region|county|continent|island|area|river"
        r"|street|building|office)\b"
    ),
    "reason": r"\bwhy\b|\bwhat (caused|causes|reasons?)\b|\bfor what reason",
    "way": r"\bhow\b",
}
_ASKED = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _ASKS.items()), re.I)
_HELD: dict[str, re.Pattern[str]] = {
    "number": re.compile(rf"\d[\d,.]*|\b(?:{_NUMBERS})\b", re.I),
    "time": re.compile(
        rf"\b1\d{{3}}\b|\b20\d\d\b|\b(?:{_MONTHS}|{_DAYS}|{_UNITS})\b|\b\d{{1,2}}(?:st|nd|rd|th)\b|\b\d{{2,4}}s\b"
        r"|\b\d+:\d\d",
        re.I,
    ),
    "place": re.compile(r"(?<!^)\b[A-Z][\w’'-]+"),
    "reason": re.compile(
        r"\b(?:because|since|due to|so that|in order to|reasons?|as a result|therefore|caused?|thus|owing"
        r"|to (?:avoid|prevent|protect|ensure|make|help|allow|reduce))\b",
        re.I,
    ),
    "way": re.compile(
        r"\b(?:by \w+ing|using|use|must|should|can|need to|go to|submit|fill|contact|email|ask|click|send|request"
        r"|through|via)\b",
        re.I,
    ),
}


def asked_for(question: str) -> AnswerKind | None:
    """The first kind that the question's words ask for; None where they do not tell ("what", "who")."""
    match = _ASKED.search(question)
    return match.lastgroup if match else None  # type: ignore[return-value]


def holds(kind: AnswerKind | None, sentence: str, asked: Set[str]) -> bool:
    """Whether the sentence has something of that kind beyond the words of the question (`asked`, folded)."""
    if kind is None:
        return False
    return any(not set(words(match[0])) <= asked for match in _HELD[kind].finditer(sentence))
