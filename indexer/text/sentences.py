"""Where sentences begin and end (pure): the rules of the `sentencex` package, made exact spans."""

import re

import sentencex

Span = tuple[int, int]  # code points [start, end)

_MARKER = re.compile(r"\(?[\w]{1,3}[.)]")  # "1.", "(a)", "iv)": a list marker on its own is no sentence

_WIDE_SPACE = re.compile(r"[^\S\x00-\x7f]")  # sentencex panics at "A", two such spaces and a full stop


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """Spans of the sentences of `text[start:end]`, in order, without surrounding white space, none empty."""
    stretch = text[start:end]
    spans: list[Span] = []
    opened: int | None = None  # where a list marker that waits for its sentence begins
    for boundary in sentencex.get_sentence_boundaries("en", _WIDE_SPACE.sub(" ", stretch)):
        raw = stretch[boundary["start_index"] : boundary["end_index"]]
        words = raw.strip()
        if not words:
            continue
        first = boundary["start_index"] + len(raw) - len(raw.lstrip())
        begin = first if opened is None else opened
        if _MARKER.fullmatch(words):
            opened = begin
            continue
        spans.append((start + begin, start + first + len(words)))
        opened = None
    if opened is not None:
        spans.append((start + opened, start + len(stretch.rstrip())))
    return spans
