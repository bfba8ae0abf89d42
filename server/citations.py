"""The answer as the model streams it, to the answer with marks that the server has checked (`feed`, `flush`).

The model's own marks are taken out; when a sentence closes, its words are aligned with the evidence, and the marks of
the passages that support it are put at its end. Words go out as they come; from a `[` on they are held back until their
sentence closes, since what was sent cannot be taken back. Code and headings pass through unmarked.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from indexer.sentences import sentence_spans
from indexer.terms import content_terms
from server.events import Citation, Evidence
from server.support import find_support

_MARK = re.compile(
    r"[ \t]*(?:\[(?:\^|sources? |passages? )?(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]|【(\d{1,3})[^】]{0,20}】)", re.I
)
_CLOSERS = "\"'”’»)*_"
_TERMINATORS = ".!?…"
_UNMARKED_LINE = re.compile(r"\s*(?:#{1,6}\s|[-*_]{3,}\s*$|\|?\s*:?-{2,}|>?\s*$)")
_CLAIM_TERMS = 3
"""A sentence of fewer content words is no claim ("Yes.", "Here is how:") and is not called unsupported."""


@dataclass
class CheckedText:
    """Words that may be shown now, and the citations whose marks are among them."""

    delta: str = ""
    citations: list[Citation] = field(default_factory=list)


class CitationChecker:
    """One answer. `text` is all that was handed out so far; `citations` and `unsupported` speak of its code points."""

    def __init__(self, evidence: Sequence[Evidence]) -> None:
        self.text = ""
        self.citations: list[Citation] = []
        self.unsupported: list[tuple[int, int]] = []
        self._evidence = evidence
        self._sentence = ""  # the open sentence as the model wrote it
        self._shown = 0  # characters of it that were handed out
        self._line = ""  # what stands before it on its line
        self._in_code = False

    def feed(self, delta: str) -> CheckedText:
        """Take the model's next words; returns what may be shown."""
        before, cited = len(self.text), len(self.citations)
        for character in delta:
            self._take(character)
        self._show_safe()
        return CheckedText(self.text[before:], self.citations[cited:])

    def flush(self) -> CheckedText:
        """The end of the answer: close what is open."""
        before, cited = len(self.text), len(self.citations)
        self._close(len(self._sentence))
        return CheckedText(self.text[before:], self.citations[cited:])

    def _take(self, character: str) -> None:
        self._sentence += character
        if character == "\n":
            if self._sentence.lstrip().startswith(("```", "~~~")) and not self._line.strip():
                self._in_code = not self._in_code
                self._pass_through()
            elif self._in_code:
                self._pass_through()
            else:
                self._close(len(self._sentence) - 1)
                self._pass_through()
            self._line = ""
        elif not self._in_code and not character.isspace():
            end = self._closed_at()
            if end is not None:
                self._close(end)

    def _closed_at(self) -> int | None:
        """Where the open sentence ended, now that the first character of the next one is there."""
        gap = len(self._sentence[:-1]) - len(self._sentence[:-1].rstrip())
        if not gap or self._sentence.count("`") % 2:
            return None
        body = self._sentence[: -1 - gap]
        bare = _MARK.sub("", body).rstrip(_CLOSERS)
        if not bare or bare[-1] not in _TERMINATORS or self._sentence[-1] in "[【":
            return None  # a mark may follow the full stop: it still belongs to this sentence
        spans = sentence_spans(f"{_MARK.sub('', body)} {self._sentence[-1].upper()}xy")
        return len(body) if len(spans) > 1 else None

    def _close(self, end: int) -> None:
        """Check the sentence `_sentence[:end]` and hand out what of it was not, with its marks before its full stop."""
        written, rest = self._sentence[:end], self._sentence[end:]
        shown = self._shown
        self._sentence, self._shown = rest, 0
        words = _without_marks(written)
        named = [int(n) for a, b in _MARK.findall(written) for n in re.split(r"\s*[,;]\s*", a or b)]
        start = len(self.text) - shown
        self.text += words[shown:]
        if self._in_code or _UNMARKED_LINE.match(self._line + words):
            self._line += words
            return
        self._line += words
        found = find_support(words, self._evidence, named) if self._evidence else []
        tail = _tail(words)
        closing = self.text[len(self.text) - len(tail) :] if tail else ""
        self.text = self.text[: len(self.text) - len(tail)] if tail else self.text
        for support in found:
            passage = support.evidence.passage
            self.text += " "
            quote = passage.text[support.start - passage.start : support.end - passage.start]
            self.citations.append(
                Citation(
                    n=support.evidence.n,
                    at=len(self.text),
                    document_id=passage.document_id,
                    collection_id=passage.collection_id,
                    document=passage.document,
                    title=passage.title,
                    heading=passage.heading,
                    page=passage.page,
                    start=support.start,
                    end=support.end,
                    quote=quote,
                )
            )
            self.text += f"[{support.evidence.n}]"
        self.text += closing
        if self._evidence and not found and len(set(content_terms(words))) >= _CLAIM_TERMS:
            self.unsupported.append((start, len(self.text)))

    def _pass_through(self) -> None:
        self.text += self._sentence[self._shown :]
        self._sentence, self._shown = "", 0

    def _show_safe(self) -> None:
        """Hand out the open sentence up to what may still change: a mark, or the end before which marks are put."""
        held = min((i for i in (self._sentence.find(c) for c in "[【") if i >= 0), default=len(self._sentence))
        words = self._sentence[:held]
        safe = len(words.rstrip()) - len(_tail(words.rstrip()))
        if self._in_code or self._sentence.lstrip().startswith(("`", "~", "|", "#")):
            return  # a fence, a table's row or a heading is known only when its line ends
        if safe > self._shown:
            self.text += words[self._shown : safe]
            self._shown = safe


def _without_marks(written: str) -> str:
    return _MARK.sub("", written)


def _tail(words: str) -> str:
    """The closing punctuation before which marks are put: "." in "weeks.", "|" at the end of a table's row."""
    stripped = words.rstrip()
    end = len(stripped)
    while end and (stripped[end - 1] in _TERMINATORS or stripped[end - 1] in _CLOSERS or stripped[end - 1] in "|:;,"):
        end -= 1
    return words[end:]
