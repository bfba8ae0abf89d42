"""The embedder's tokenizer, without the model: which word pieces a text has, and where they are."""

from pathlib import Path

from tokenizers import Tokenizer

from indexer.errors import EmbedderError
from indexer.text.sentences import Span


class WordPieces:
    """The `tokenizer.json` of a model's folder."""

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

    def offsets(self, text: str) -> list[Span]:
        """Spans of the word pieces, special tokens left out."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).offsets)

    def encode(self, text: str) -> tuple[list[int], list[Span]]:
        """(ids, spans) with special tokens, whose spans are empty."""
        encoding = self._tokenizer.encode(text)
        return encoding.ids, encoding.offsets
