"""What a person sees in a file, in a small notation, and the words of any text as they are compared.

A line is a paragraph or a list item; `# ` before it makes it a heading. A line that begins with `|= ` is a row of
column names, one that begins with `| ` a row of a table under them, cells separated by ` | `. What a reader may leave
out or add without harm stands in braces: a running header, the number of a list item. A cell `^Sales` repeats a label
that is merged over rows: the row needs it, the page shows it once. A cell `<2025` repeats one that is merged over
columns, which may be left out everywhere. `[x]` and `[ ]` are boxes with and without a mark.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["heading", "text", "row"]
_DATE = re.compile(r"\b(\d{1,2})\.(\d{1,2})\.(\d{4})\b")
_MARKED, _UNMARKED = "☒", "☐"
_BOXES = (
    (re.compile(r"\[[xX]\]|\([xX]\)|[☑☒✓✔✗✘◉🗹🗷]"), f" {_MARKED} "),
    (re.compile(r"\[ ?\]|\( \)|[☐□❏]"), f" {_UNMARKED} "),
)
_NEGATIVE = re.compile(r"\((\d[\d.,]*)\)")
_ALONE = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])")
"""Scripts that put no space between words: each character counts as one."""
_EDGES = "".join(chr(code) for code in range(33, 127) if not chr(code).isalnum() and chr(code) not in "%$&") + (
    "“”„‘’‚«»‹›–—…•‣◦▪·●○■¶§\u200b\u200e\u200f\ufeff、。「」"
)
_OPTIONAL = re.compile(r"\{([^}]*)\}")


def words(text: str) -> list[str]:
    """Words in one form: case, ligatures, soft hyphens, punctuation at their edges and the form of dates say nothing.

    >>> words("On 05.03.2026, Ms O’Hara paid (1,234.50) – twice. [x] ﬁne")
    ['on', '2026-03-05', 'ms', "o'hara", 'paid', '-1,234.50', 'twice', '☒', 'fine']
    """
    text = text.replace("\xad", "")
    for pattern, box in _BOXES:
        text = pattern.sub(box, text)
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("\u2010", "-").replace("−", "-")
    text = _NEGATIVE.sub(r"-\1", _DATE.sub(lambda d: f"{d[3]}-{int(d[2]):02}-{int(d[1]):02}", text))
    found = []
    for token in _ALONE.sub(r" \1 ", text).replace("|", " ").split():
        word = token.rstrip(_EDGES).lstrip(_EDGES)
        if token.startswith("-") and word[:1].isdigit():
            word = f"-{word}"
        if word:
            found.append(word)
    return found


@dataclass(frozen=True)
class Line:
    """`words` with whether each may be missing; `cells` and `header` of a row, words of each cell."""

    kind: Kind
    words: list[tuple[str, bool]]
    cells: list[tuple[list[str], bool]] = field(default_factory=list)  # the second: may be missing in the row
    header: list[str] = field(default_factory=list)  # words that name the columns of a row, where something does
    names: bool = False  # a row of column names


def parse(notation: str) -> list[Line]:
    """The lines of what is expected; rows of column names are rows without a header."""
    lines: list[Line] = []
    header: list[str] = []
    follows_header = False
    for source in notation.strip("\n").split("\n"):
        text = source.strip()
        if not text:
            header = []
            continue
        names = text.startswith("|=")
        if not names and not text.startswith("|"):
            header = []
            lines.append(Line("heading" if text.startswith("# ") else "text", _words(text.removeprefix("# "))))
        else:
            cells = [cell.strip() for cell in text.removeprefix("|=").removeprefix("|").split("|")]
            if names and not follows_header:
                header = []
            needed = [(words(_plain(cell)), cell.startswith("<")) for cell in cells]
            lines.append(Line("row", _row_words(cells), needed, [] if names else list(header), names))
            if names:
                header += [word for found, _ in needed for word in found]
        follows_header = names
    return lines


def joined(lines: list[Line]) -> list[Line]:
    """The same with column names of several rows joined: "2025 Plan" says what "2025" above "Plan" does."""
    made: list[Line] = []
    for line in lines:
        above = made[-1] if made else None
        if above is None or not (line.names and above.names):
            made.append(line)
            continue
        width = max(len(above.cells), len(line.cells))
        rows = [[found for found, _ in cells] for cells in (above.cells, line.cells)]
        upper, lower = ([*row, *[[]] * (width - len(row))] for row in rows)
        cells = [one if one == two else one + two for one, two in zip(upper, lower, strict=True)]
        needed = [(word, False) for cell in cells for word in cell]
        made[-1] = Line("row", needed, [(cell, False) for cell in cells], [], names=True)
    return made


def _plain(cell: str) -> str:
    return cell.lstrip("^<").replace("{", "").replace("}", "")


def _row_words(cells: list[str]) -> list[tuple[str, bool]]:
    found = []
    for cell in cells:
        repeated = cell.startswith(("^", "<"))
        found += [(word, optional or repeated) for word, optional in _words(cell.lstrip("^<"))]
    return found


def _words(text: str) -> list[tuple[str, bool]]:
    found: list[tuple[str, bool]] = []
    at = 0
    for stretch in _OPTIONAL.finditer(text):
        found += [(word, False) for word in words(text[at : stretch.start()])]
        found += [(word, True) for word in words(stretch[1])]
        at = stretch.end()
    return found + [(word, False) for word in words(text[at:])]
