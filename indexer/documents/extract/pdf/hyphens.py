"""Join words that a line break cut, and leave words alone that have a hyphen of their own (pure)."""

import re
from collections.abc import Iterable, Sequence

from indexer.documents.extract.traced import chained, sliced

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_CUT = re.compile(r"(?<![^\W\d_])([^\W\d_]++)-$")  # from the beginning of a word alone, or it were quadratic
_HYPHENATED = 0.04
"""Share of lines that end in a hyphen above which a program cut the words: 6 PDFs written without have under .01."""
_REST = re.compile(r"[^\W\d_]+")
_SPACELESS = re.compile("[\u3001-\u30ff\u3400-\u9fff\uff01-\uff60]")
_LONGEST_CUT = 200  # characters before a line break in which a cut word is looked for


def _are_spaceless(end: str, line: str) -> bool:
    """Chinese and Japanese have no spaces, also where a line breaks."""
    return bool(_SPACELESS.match(end[-1]) and _SPACELESS.match(line))


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
        parts: list[str] = []
        end = ""  # of the text so far: looking through all of it for each line were quadratic
        for line in lines:
            cut, rest = _CUT.search(end), _REST.match(line)
            if cut and rest:
                if not self._keeps_hyphen(cut[1], rest[0]):
                    parts[-1], end = sliced(parts[-1], 0, -1), end[:-1]
                joint = ""
            else:
                joint = "" if not end or (end[-1] == "-" and end[-2:-1].isalnum()) or _are_spaceless(end, line) else " "
            parts += [joint, line]
            end = f"{end}{joint}{line}"[-_LONGEST_CUT:]
        return chained(parts)

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
