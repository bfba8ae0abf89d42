"""The questions in a message that asks more than one thing, so that each is searched for by itself (pure).

"How long does my password have to be and where should I save it?" is nearest to what tells of its length, and the other
answer stands in another paragraph. For eighteen such questions of three sets evidence of 440 tokens holds .68 of the
facts with each part searched for, .55 with the whole alone (docs/decisions.md).
"""

import re

from server.answering.comparison import LONGEST

MOST = 3
"""Parts of a question; who asks more has written an essay, and each part takes a search."""
SHORTEST = 2
"""Words of a part: "and when" asks the same sentence for one thing more."""
_ASKING = r"(?:how|what|what['’]?s|when|where|who|whom|whose|which|why)"
_VERB = r"(?:can|could|do|does|did|is|are|was|were|will|would|should|may|must|has|have)"
_SUBJECT = r"(?:i|we|you|he|she|it|they|there|this|that|these|those|the|my|our|their|his|her|any\w*|some\w*)"
_QUESTION = rf"(?:{_ASKING}|{_VERB}\s+{_SUBJECT})\b"
"""What a question begins with; a verb alone goes on with what stands before it: "... and is not taxed"."""
_BETWEEN = re.compile(  # of words with a single space between them: at a run of spaces it would begin again and again
    rf"\s*\?+\s+(?:(?:and|or|also|plus)\s+)*(?:(?:for|in|by|from|to|at|on|with)\s+)?(?={_QUESTION})"
    rf"|\s*,?\s+(?:and|plus)\s+(?:also\s+)?(?:(?:for|in|by|from|to|at|on|with)\s+(?={_ASKING}))?(?={_QUESTION})",
    re.I,
)
_ASKS = re.compile(rf"\b{_ASKING}\b|(?:^|[,:;.–-]\s+){_VERB}\s", re.I)
_LEFT_OPEN = re.compile(rf"\b(?:{_ASKING}\s*$|between\b)", re.I)
"""In no whole question: "do you know when | and where it was", "between when I apply | and when I start"."""


def parts(question: str) -> tuple[str, ...]:
    """The questions in one, in its own words and order; empty where it asks one thing, or is too long to tell."""
    if len(question) > LONGEST:
        return ()
    found = tuple(part.strip(" ?.!,") for part in _BETWEEN.split(" ".join(question.split())))
    if not 2 <= len(found) <= MOST:
        return ()
    whole = all(len(part.split()) >= SHORTEST and _ASKS.search(part) and not _LEFT_OPEN.search(part) for part in found)
    return found if whole else ()
