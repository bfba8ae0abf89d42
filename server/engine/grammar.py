"""Which tokens an answer may go on with so that its text satisfies a JSON schema. Built on llguidance.

    grammars = Grammars(vocabulary)          once for each loaded model
    grammar = grammars.of_schema(text)       once for each request, outside the engine's thread
    walk = grammar.begin()                   the engine's thread: walk.mask(), walk.accept(token), ...

llguidance reads a text with derivatives of regular expressions and an Earley parser, so what a step costs is bounded,
whatever the schema repeats or nests: `LIMITS` end a grammar that would cost more, and only its own request fails.
"""

from dataclasses import dataclass

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper
from numpy.typing import NDArray

from server.engine.token_sampling import SamplingError
from server.engine.vocabulary import Vocabulary

MAX_WORDS = 200  # characters of llguidance's own words that a client reads
Mask = NDArray[np.bool_]  # (tokens of the vocabulary,): whether the answer may go on with the token

LIMITS = LLParserLimits(
    max_items_in_row=2_000,  # states of the parser after one lexeme; an object of some 500 properties has as many
    initial_lexer_fuel=1_000_000,  # work on the regular expressions before the first token
    step_lexer_fuel=200_000,  # and for each token; a step that used all of it took 20 ms
    step_max_items=50_000,
    max_lexer_states=50_000,  # over a whole answer; some 200 bytes each
    max_grammar_size=200_000,  # symbols
)
"""llguidance's own measures. benchmarks/schemas.py prints what the slowest step costs under them."""

WHITESPACE = r"(\x20|\x0A[\x20\x09]{0,20})?"
"""Between the tokens of JSON: what pretty printers write. A small model that may write blanks for ever does."""


class _Pieces:
    """The vocabulary as llguidance's TokenizerWrapper asks for it."""

    bos_token_id = None

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.eos_token_id = vocabulary.eos
        pieces = [vocabulary.piece(token) for token in range(vocabulary.size)]
        self.special_token_ids = [token for token, piece in enumerate(pieces) if not piece]
        self.tokens = [piece or b"<%d>" % token for token, piece in enumerate(pieces)]  # special ones need a name too

    def __call__(self, text: bytes) -> list[int]:
        """The tokens of what a grammar leaves no choice in: their bytes are just those of `text`, or a beginning."""
        for before in ("", "\n"):  # SentencePiece puts a space before a text, which the grammar does not allow
            ids = self._vocabulary.tokenize(before + text.decode("utf-8", "replace"))
            for start in range(min(len(ids), 3)):
                if b"".join(map(self._vocabulary.piece, ids[start:])) == text:
                    return ids[start:]
        return []


class Grammars:
    """Makes grammars for one vocabulary. From any thread."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Takes some 0.5 s for 150,000 tokens, in which no other thread runs Python: make it while the model loads."""
        self._size = vocabulary.size
        ends = [token for token in range(vocabulary.size) if vocabulary.is_end(token)]
        self._tokenizer = LLTokenizer(
            TokenizerWrapper(_Pieces(vocabulary)), vocabulary.size, ends, LLTokenizer.json_slices()
        )
        self._ends = frozenset(ends)

    def of_schema(self, schema: str) -> "Grammar":
        """`schema` is JSON. Raises ValueError with the reason: it cannot be met, or costs too much."""
        try:
            source = LLMatcher.grammar_from_json_schema(schema, overrides={"whitespace_pattern": WHITESPACE})
        except ValueError as error:  # its reader of JSON, which ends at 128 levels and at numbers of 300 digits
            raise ValueError(f"it is nested too deeply, or has a number too large to be read ({error})") from None
        matcher = LLMatcher(self._tokenizer, source, log_level=0, limits=LIMITS)
        if not matcher.is_error():
            matcher.compute_bitmask()  # what costs too much at the first token need not reach the engine
        if matcher.is_error():
            raise ValueError(_reason(matcher))
        return Grammar(matcher, self._size, self._ends)


@dataclass(frozen=True, eq=False)
class Grammar:
    """What a text must be. Several requests may walk through it at once."""

    _matcher: LLMatcher
    _size: int  # tokens of the vocabulary
    _ends: frozenset[int]

    def begin(self) -> "Walk":
        return Walk(self._matcher.deep_copy(), self._size, self._ends)


class Walk:
    """One answer's way through a grammar. One thread only."""

    def __init__(self, matcher: LLMatcher, size: int, ends: frozenset[int]) -> None:
        self._matcher = matcher
        self._size = size
        self._ends = ends

    def mask(self) -> Mask:
        """Raises SamplingError where no token fits, or the grammar has become too costly."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        self._check()
        mask = np.unpackbits(bits, count=self._size, bitorder="little").view(np.bool_)
        if not mask.any():
            raise SamplingError("No token of the model fits the response format that was asked for.")
        return mask

    def accept(self, token: int) -> None:
        """Go on with a token of the mask. Raises SamplingError where the grammar has become too costly."""
        if token not in self._ends:
            self._matcher.consume_token(token)
            self._check()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise SamplingError(
                f"The response format that was asked for has ended the answer: {_reason(self._matcher)}."
            )


def _reason(matcher: LLMatcher) -> str:
    """Why the matcher has stopped, in words for whoever wrote the schema."""
    said, stopped = _said(matcher), matcher.stop_reason()
    if stopped == "ParserTooComplex" or said.startswith("Parser Error: Current row"):
        return "it allows too many things at once"
    if stopped == "LexerTooComplex" or "lexer" in said:
        return "one of its patterns costs too much"
    if {stopped, said} & {"NoExtension", "NoExtensionBias"}:
        return "nothing satisfies it"
    return said


def _said(matcher: LLMatcher) -> str:
    """llguidance's own words in one line, without the picture of the pattern in which they are about."""
    lines = [line.strip() for line in matcher.get_error().splitlines()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return (errors or [line for line in lines if line] or ["it cannot be read"])[0][:MAX_WORDS]
