"""Join words that a line break cut, and leave words alone that have a hyphen of their own (pure)."""

import re
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_CUT = re.compile(r"([^\W\d_]+)-$")
_HYPHENATED = 0.04
"""Share of lines that end in a hyphen above which a program cut the words: 6 PDFs written without have under .01."""
_REST = re.compile(r"[^\W\d_]+")


class Hyphens:
    """Knows the words of one document. A cut word is written as the document writes it elsewhere; where it does not,
    as its other cut words were decided; where nothing tells, as the number of cut lines suggests."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._words: set[str] = set()
        cuts: list[tuple[str, str]] = []
        before, count = "", 0
        for count, line in enumerate(lines, start=1):  # noqa: B007 (the count is wanted after the loop)
            cut, rest = _CUT.search(before), _REST.match(line)
            words = _WORD.findall(line.lower())
            self._words.update(words[1 if cut else 0 : -1 if _CUT.search(line) else None])
            if cut and rest:
                cuts.append((cut[1], rest[0]))
            before = line
        decided = [self._known(left, right) for left, right in cuts]
        keep, join = decided.count(True), decided.count(False)
        self._keeps = keep > join if keep != join else len(cuts) < _HYPHENATED * count + 2

    def joined(self, lines: Sequence[str]) -> str:
        """The lines as running text."""
        text = ""
        for line in lines:
            cut, rest = _CUT.search(text), _REST.match(line)
            if cut and rest:
                text = (text if self._keeps_hyphen(cut[1], rest[0]) else text[:-1]) + line
            elif text.endswith("-") and len(text) > 1 and text[-2].isalnum():
                text += line
            else:
                text = f"{text} {line}" if text else line
        return text

    def _keeps_hyphen(self, left: str, right: str) -> bool:
        known = self._known(left, right)
        return self._keeps if known is None else known

    def _known(self, left: str, right: str) -> bool | None:
        """Whether the word keeps its hyphen, or None where the document does not tell."""
        if not right[0].islower() or left.isupper():
            return True
        whole, hyphened = (left + right).lower(), f"{left}-{right}".lower()
        if (whole in self._words) != (hyphened in self._words):
            return hyphened in self._words
        if len(left) > 2 and len(right) > 2 and {left.lower(), right.lower()} <= self._words:
            return True
        return None
