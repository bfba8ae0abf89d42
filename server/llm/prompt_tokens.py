"""A rendered prompt to token ids, such that no text of a person can act as markup.

`encode` gives the ids that llama.cpp gives for the whole rendered text, as long as no content holds the text of a
special token; where it does, that text stays text. Between two special tokens the ids depend on nothing else, so the
ids of a conversation's beginning stay the same when turns are added, and their KV cache can be reused. Where passages
are to be read apart (`encode_passages`), the ids of each depend on its own text alone.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from server.engine.vocabulary import SpecialToken, Vocabulary
from server.llm.generator import PassageSpan

# Tokens that only mark structure, by their looks: <|end|>, </s>, <start_of_turn>, [INST].
LOOKS_LIKE_MARKUP = re.compile(r"<\S*>|\[\S*\]")
WHITESPACE = " \t\n\v\f\r"  # what llama.cpp's isspace strips beside a special token


@dataclass(frozen=True)
class PromptPart:
    """A stretch of a rendered prompt: the template's own text (markup) or what a person or a document wrote."""

    text: str
    is_markup: bool
    passage: PassageSpan | None = None  # where it is one: its tokens must not depend on what stands beside it


Placed = tuple[int, int, PassageSpan]
"""Tokens [start, end) of a prompt, and the passage that they are."""


class PromptTokenizer:
    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._specials = {special.text: special for special in vocabulary.specials if special.text}
        self._markup = _any_of(self._specials)
        self._breakable = _any_of(
            text
            for text, special in self._specials.items()
            if special.always_parsed and len(text) > 2 and LOOKS_LIKE_MARKUP.fullmatch(text)
        )

    def encode(self, parts: Iterable[PromptPart]) -> list[int]:
        """The ids of a prompt, with one BOS token at its head if the vocabulary wants one."""
        return self.encode_passages(PromptPart(part.text, part.is_markup) for part in parts)[0]

    def encode_passages(self, parts: Iterable[PromptPart]) -> tuple[list[int], list[Placed]]:
        """The same, and where the passages' tokens stand in it."""
        ids: list[int] = []
        placed: list[Placed] = []
        plain: list[PromptPart] = []
        before: SpecialToken | None = None
        for piece in (*self._split(parts), None):
            if isinstance(piece, PromptPart):
                plain.append(piece)
                continue
            for passage, tokens in self._encode_plain(plain, before, piece):
                if passage is not None:
                    placed.append((len(ids), len(ids) + len(tokens), passage))
                ids += tokens
            ids += [piece.id] if piece else []
            plain, before = [], piece
        if self._vocabulary.adds_bos and ids[:1] != [self._vocabulary.bos]:
            ids.insert(0, self._vocabulary.bos)
            placed = [(start + 1, end + 1, passage) for start, end, passage in placed]
        return ids, placed

    def _split(self, parts: Iterable[PromptPart]) -> Iterable[PromptPart | SpecialToken]:
        """The special tokens of the markup, and what lies between them."""
        for part in parts:
            if not part.is_markup or self._markup is None:
                yield part
                continue
            for i, text in enumerate(self._markup.split(part.text)):
                if i % 2:
                    yield self._specials[text]
                elif text:
                    yield PromptPart(text, True)

    def _encode_plain(
        self, run: list[PromptPart], before: SpecialToken | None, after: SpecialToken | None
    ) -> Iterable[tuple[PassageSpan | None, list[int]]]:
        """The text between two special tokens, and of each passage in it."""
        texts = [(one, "".join(part.text for part in parts)) for one, parts in groupby(run, lambda part: part.passage)]
        for i, (passage, text) in enumerate(texts):
            if i == 0 and before is not None and before.strips_right:
                text = text.lstrip(WHITESPACE)
            if i == len(texts) - 1 and after is not None and after.strips_left:
                text = text.rstrip(WHITESPACE)
            yield passage, [token for piece in self._broken(text) for token in self._vocabulary.tokenize(piece)]

    def _broken(self, text: str) -> Iterable[str]:
        """`text` cut inside every special token that llama.cpp would recognise in it."""
        start = 0
        for match in self._breakable.finditer(text) if self._breakable else ():
            yield text[start : match.start() + 1]
            start = match.start() + 1
        if start < len(text):
            yield text[start:]


def _any_of(texts: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern that splits at any of the texts, the longest first."""
    ordered = sorted(texts, key=len, reverse=True)
    return re.compile("(" + "|".join(map(re.escape, ordered)) + ")") if ordered else None
