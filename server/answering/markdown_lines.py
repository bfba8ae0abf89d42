"""What the lines of an answer are in Markdown, as it streams: code, or text whose sentences claim something (pure).

Headings, rules and the first row of a table claim nothing, and code is no text at all.
"""

import re

_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(`{3,}(?!.*`)|~{3,})(.*)")
_CLAIMS_NOTHING = re.compile(r"[ \t>]*(?:#{1,6}\s|[\s|:*_=-]*$)")
_LINE_START = re.compile(r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)]|>)[ \t]+)*(?:\[[ xX]\][ \t]+)?")
_LINK_ADDRESS = re.compile(r"\]\((?:[^()\s]|\([^()\s]*\))*\)")


class MarkdownLines:
    """The line that is being read, and what the lines before it tell about it. It is told of each line's end."""

    def __init__(self) -> None:
        self._fence = ""  # what opened the block of code that this line stands in
        self._claims: bool | None = None  # None before the line's first sentence, which decides it
        self._is_row = self._after_row = False  # this line, and the one before it, belong to a table

    @property
    def in_code(self) -> bool:
        return bool(self._fence)

    @property
    def at_start(self) -> bool:
        """No sentence of this line has closed."""
        return self._claims is None

    def opens_code(self, line: str) -> bool:
        """Whether this line, as far as it is read, opens a block of code."""
        return bool(self._fence_of(line))

    def claims(self, sentence: str) -> bool:
        """Whether this sentence of this line claims something; ask for each, in order, marks taken out."""
        if self._claims is None:
            self._is_row = sentence.lstrip().startswith("|")
            is_header = self._is_row and not self._after_row
            self._claims = not is_header and not _CLAIMS_NOTHING.match(sentence)
        return self._claims

    def ends_as_code(self, line: str) -> bool:
        """Whether this line, read to its end, is code; ask once for each, since it may open or close the block."""
        if not self._fence:
            self._fence = self._fence_of(line)
            return self.in_code
        match = _FENCE.match(line)
        if match and match[1].startswith(self._fence) and not match[2].strip():
            self._fence = ""
        return True

    def next(self) -> None:
        """The line has ended, and another one begins."""
        self._claims = None
        self._is_row, self._after_row = False, self._is_row

    def _fence_of(self, line: str) -> str:
        match = _FENCE.match(line) if self.at_start else None
        return match[1] if match else ""


def claim_of(sentence: str, *, begins_line: bool) -> str:
    """A sentence without its list marker, whose "2." is no number of a claim, and without the addresses of links."""
    start = _LINE_START.match(sentence) if begins_line else None
    return _LINK_ADDRESS.sub("]", sentence[start.end() if start else 0 :])
