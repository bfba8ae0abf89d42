"""A model's vocabulary: text to token ids and back. From any thread."""

import ctypes
from dataclasses import dataclass
from typing import Any, Protocol

SPM = 1  # LLAMA_VOCAB_TYPE_SPM: SentencePiece, which writes a space before the first word
CONTROL, UNKNOWN, USER_DEFINED = 1 << 3, 1 << 0, 1 << 4  # LLAMA_TOKEN_ATTR_*
LSTRIP, RSTRIP = 1 << 7, 1 << 8


class LoadedModel(Protocol):
    """What holds the vocabulary: see llama.Model."""

    @property
    def lib(self) -> Any:
        """The llama_cpp package."""

    @property
    def pointer(self) -> int: ...


@dataclass(frozen=True)
class SpecialToken:
    id: int
    text: str
    strips_left: bool  # whitespace before it belongs to it
    strips_right: bool
    always_parsed: bool  # user-defined: llama.cpp finds it in plain text too


class Vocabulary:
    """Text to token ids and back."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model  # the vocabulary lives inside the weights
        self._lib = model.lib
        self._pointer = self._lib.llama_model_get_vocab(model.pointer)
        self.size: int = self._lib.llama_vocab_n_tokens(self._pointer)
        self.is_sentencepiece: bool = self._lib.llama_vocab_type(self._pointer) == SPM
        self.adds_bos: bool = self._lib.llama_vocab_get_add_bos(self._pointer)
        self.bos: int = self._lib.llama_vocab_bos(self._pointer)
        self.eos: int = self._lib.llama_vocab_eos(self._pointer)
        self.specials = self._find_specials()
        self._pieces: dict[int, bytes] = {}

    def tokenize(self, text: str) -> list[int]:
        """Plain text to ids. Control tokens are not looked for, user-defined ones are (see SpecialToken)."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        while True:
            ids = (ctypes.c_int32 * room)()
            count = self._lib.llama_tokenize(self._pointer, data, len(data), ids, room, False, False)
            if count >= 0:
                return ids[:count]
            room = -count

    def piece(self, token: int) -> bytes:
        """The bytes of a token, which need not be whole characters; none for a control token."""
        known = self._pieces.get(token)
        if known is None:
            known = self._pieces[token] = self._read_piece(token)
        return known

    def _read_piece(self, token: int) -> bytes:
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            count = self._lib.llama_token_to_piece(self._pointer, token, buffer, room, 0, False)
            if count >= 0:
                return buffer.raw[:count]
            room = -count

    def is_end(self, token: int) -> bool:
        """Whether a model that chooses this token has finished."""
        ends: bool = self._lib.llama_vocab_is_eog(self._pointer, token)
        return ends

    def text_of(self, token: int) -> str:
        """How the vocabulary writes a special token; empty for none."""
        if token < 0:
            return ""
        text: bytes = self._lib.llama_vocab_get_text(self._pointer, token) or b""
        return text.decode("utf-8", "replace")

    def _find_specials(self) -> tuple[SpecialToken, ...]:
        attributes = self._lib.llama_vocab_get_attr
        found = []
        for token in range(self.size):
            attribute = attributes(self._pointer, token)
            if attribute & (CONTROL | UNKNOWN | USER_DEFINED):
                text = self.text_of(token)
                always = bool(attribute & USER_DEFINED)
                found.append(SpecialToken(token, text, bool(attribute & LSTRIP), bool(attribute & RSTRIP), always))
        return tuple(found)
