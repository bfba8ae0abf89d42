"""Choose a document's title from what its file offers (pure)."""

import re
from pathlib import PurePath

from indexer.documents.extract import clean

LONGEST_TITLE = 200  # code points; longer ones are sentences that someone formatted as a title
_LEFT_BY_PROGRAMS = re.compile(
    r"(microsoft (word|powerpoint|excel)\b.*|untitled.*|document ?\d*|presentation ?\d*|powerpoint.presentation"
    r"|book ?\d*|slide ?\d+|title|no title|layout \d*|\(anonymous\)"
    r"|.*\.(docx?|xlsx?|pptx?|pdf|indd|txt|rtf|qxd|html?|tex|dvi))",
    re.IGNORECASE,
)


_TAGS = re.compile(
    r"</?(?:a|abbr|b|br|code|em|font|i|kbd|mark|small|span|strong|sub|sup|u)(?:\s[^<>]{0,200})?/?>", re.IGNORECASE
)
"""Of HTML, as some people write them into titles."""


def choose_title(name: str, *offers: str) -> str:
    """The first offer that looks like a title, else the file's name made readable."""
    for offer in offers:
        title = clean.one_line(_TAGS.sub("", offer))
        if title and len(title) <= LONGEST_TITLE and not _LEFT_BY_PROGRAMS.fullmatch(title) and re.search(r"\w", title):
            return title
    return from_name(name)


def from_name(name: str) -> str:
    """`Benefit_Options.pdf` is "Benefit Options"; `leave-policy.md` is "Leave policy"."""
    stem = clean.one_line(re.sub(r"[_\s]+", " ", PurePath(name).stem))
    if " " not in stem:
        stem = stem.replace("-", " ").strip()
    stem = stem.strip(" -._") or stem
    return (stem[:1].upper() + stem[1:]) or "Untitled"
