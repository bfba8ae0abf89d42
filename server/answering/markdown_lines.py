"""What the lines of an answer are in Markdown, as it streams: code, or text whose sentences claim something (pure).

Headings, rules and the first row of a table claim nothing, and code is no text at all.
"""

import re

_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(`{3,}(?!.*`)|~{3,})(.*)")
_CLAIMS_NOTHING = re.compile(r"[ \t>]*(?:#{1,6}\s|[\s|:*_=-]*$)")
_MARKERS = re.compile(r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)]|>)[ \t]+)*(?:\[[ xX]\][ \t]+)?")
_STEP = re.compile(r"[*_]{0,2}Step[ \t]+\d{1,3}\b[.):*_]{0,4}|[*_]{1,2}\d{1,2}[.)](?=[ \t])", re.I)
_RULE = re.compile(r"[ \t>]*(?:-+|=+)[ \t]*$")
_HEADING = re.compile(r"[ \t>]*(#{1,6})\s")
_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])[ \t]")
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

    def is_whole(self, line: str) -> bool:
        """Whether this line, as far as it is read, is never parted: a row of a table, or what opens a block of code."""
        return self.at_start and (is_row(line) or bool(self._fence_of(line)))

    def may_go_on(self, sentence: str) -> bool:
        """Whether this sentence of this line may go on in the next line: neither a heading, nor a row, nor code."""
        if self._claims is None:
            return not (is_row(sentence) or self._fence_of(sentence) or _CLAIMS_NOTHING.match(sentence))
        return self._claims and not self._is_row

    def claims(self, sentence: str) -> bool:
        """Whether this sentence of this line claims something; ask for each, in order, marks taken out."""
        if self._claims is None:
            self._is_row = is_row(sentence)
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
    """A sentence without its list marker or "Step 2:", whose number claims nothing, and without links' addresses."""
    if begins_line:
        sentence = sentence[len(markers_of(sentence)) :]
        step = _STEP.match(sentence)
        sentence = sentence[step.end() :] if step else sentence
    return _LINK_ADDRESS.sub("]", sentence)


def markers_of(line: str) -> str:
    """How a line begins before its words: its indentation, and what makes it an item or a quotation."""
    match = _MARKERS.match(line)
    return match[0] if match else ""


def is_row(line: str) -> bool:
    """Whether it belongs to a table."""
    return line.lstrip().startswith("|")


def is_item(markers: str) -> bool:
    """Whether a line with these markers belongs to a list."""
    return _ITEM.search(markers) is not None


def is_rule(line: str) -> bool:
    """Whether it makes a heading of the line above it, or a rule where there is none."""
    return _RULE.match(line) is not None


def heading_level(line: str) -> int:
    """1 to 6; 0 where the line is no heading."""
    match = _HEADING.match(line)
    return len(match[1]) if match else 0


def leads_in(line: str) -> bool:
    """Whether it leads in to what stands below it."""
    return line.rstrip(" \t\r*_").endswith(":")


def without_fences(code: str) -> str:
    """The lines of a block of code without those that open and close it."""
    return "\n".join(line for line in code.splitlines() if not _FENCE.match(line))
