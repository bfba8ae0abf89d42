"""What a question compares, so that each side is searched for by itself (pure).

"What is the difference between annual leave and sick leave?" is nearest to passages that hold both names, which seldom
say what either is.
"""

import re

LONGEST = 1000
"""Characters of a question that is looked at: patterns are tried at every place, and a megabyte took ten seconds."""
_A, _B = r"(?P<a>[^?!]{2,120}?)", r"(?P<b>[^?!]{2,120}?)"
_END = r"\s*[?.!]*\s*$"
_COMPARES = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"\bdifferen(?:ces?|t)\b.{{0,20}}?\bbetween\s+{_A}\s+and\s+{_B}{_END}",
        rf"\bcompare\s+{_A}\s+(?:and|with|to|against)\s+{_B}{_END}",
        rf"^(?:(?:what|which)\s+(?:is|are)\s+(?:better|cheaper|faster|larger|smaller)\s*[,:]?\s+)?"
        rf"{_A}\s+(?:vs\.?|versus)\s+{_B}{_END}",
        rf"\bhow\s+(?:does|do|is|are)\s+{_A}\s+(?:different|differ)\s+from\s+{_B}{_END}",
        rf"\b(?:is|are)\s+{_A}\s+(?:better|cheaper|longer|shorter|more|less|higher|lower)\b.{{0,30}}?\bthan\s+{_B}{_END}",
    )
)
_ARTICLE = re.compile(r"^(?:the|a|an|my|our)\s+", re.I)


def compared(question: str) -> tuple[str, ...]:
    """The two sides of a comparison, in the question's own words; empty where it compares nothing, or is too long to be
    a question that does."""
    if len(question) > LONGEST:
        return ()
    for pattern in _COMPARES:
        match = pattern.search(question.strip())
        if match:
            sides = tuple(_ARTICLE.sub("", match[side].strip()) for side in ("a", "b"))
            return sides if all(sides) and sides[0].casefold() != sides[1].casefold() else ()
    return ()
