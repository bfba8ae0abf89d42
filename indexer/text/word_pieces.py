"""The embedder's tokenizer, without the model: which word pieces a text has, and where they are."""

import json
from pathlib import Path

from tokenizers import Tokenizer

from indexer.errors import EmbedderError
from indexer.text.sentences import Span

LONGEST_TEXT = 1 << 16
"""Characters of a text that are looked at: 8,192 word pieces of eight, the most that any of these models reads. A
megabyte takes seconds to tokenise, and a hundred milliseconds to hand over, in which no other thread runs."""
SPECIAL_TOKENS = 2  # [CLS] and [SEP], or <s> and </s>


class WordPieces:
    """The `tokenizer.json` of a model's folder.

    `longest`: how many word pieces the model reads of a text, its special tokens included; None where it does not say.
    """

    def __init__(self, folder: Path) -> None:
        """Raises EmbedderError."""
        path = folder / "tokenizer.json"
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise EmbedderError(
                f"The embedding model in {folder} has no readable tokenizer.json ({error}).",
                "Choose a model that has one, or lay the whole model folder there again.",
            ) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.longest = _longest(folder)

    def beginning(self, text: str) -> str:
        """What the model reads of a text, and as much again: what is left out moves no vector.

        Of the longest text that is looked at at all, LONGEST_TEXT, also where it has fewer pieces than the model reads.
        """
        for size in (LONGEST_TEXT // 16, LONGEST_TEXT // 4):
            if len(text) > size and self.longest is not None and self._count(text[:size]) >= 2 * self.longest:
                return text[:size]
        return text[:LONGEST_TEXT]

    def read_of(self, text: str) -> int:
        """How many word pieces of a text the model reads, special tokens left out."""
        pieces = self._count(self.beginning(text))
        return pieces if self.longest is None else min(pieces, self.longest - SPECIAL_TOKENS)

    def _count(self, text: str) -> int:
        """As a batch: the library lets other threads run meanwhile only then, and otherwise not for seconds."""
        return len(self._tokenizer.encode_batch([text], add_special_tokens=False)[0])

    def offsets(self, text: str) -> list[Span]:
        """Spans of the word pieces, special tokens left out."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).offsets)

    def encode(self, text: str) -> tuple[list[int], list[Span]]:
        """(ids, spans) with special tokens, whose spans are empty."""
        encoding = self._tokenizer.encode(text)
        return encoding.ids, encoding.offsets


def _longest(folder: Path) -> int | None:
    try:
        said = json.loads((folder / "sentence_bert_config.json").read_text(encoding="utf-8")).get("max_seq_length")
    except (OSError, ValueError, AttributeError):  # a model of another kind: sentence-transformers knows
        return None
    return said if isinstance(said, int) and said > SPECIAL_TOKENS else None
