"""Which questions of a folder are asked when not all of them are (pure).

A question is in the sample or not whatever the order of the file and whatever other questions are added, as long as
fewer than the sample's size have a smaller hash.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from indexer.errors import StartError
from indexer.evaluate.retrieval import EvaluationQuestion

SEED = 1


@dataclass(frozen=True)
class Sample:
    """At most so many questions of each kind."""

    answerable: int
    unanswerable: int
    seed: int = SEED

    def __str__(self) -> str:
        return f"{self.answerable}+{self.unanswerable} by seed {self.seed}"

    def of(self, questions: Sequence[EvaluationQuestion]) -> list[EvaluationQuestion]:
        """In the order of the file; those that count for neither kind are left out."""
        kinds = {True: self.answerable, False: self.unanswerable}
        chosen: set[int] = set()
        for kind, most in kinds.items():
            chosen |= self._first(most, ((at, one) for at, one in enumerate(questions) if one.answerable is kind))
        return [one for at, one in enumerate(questions) if at in chosen]

    def of_any(self, questions: Sequence[EvaluationQuestion]) -> list[EvaluationQuestion]:
        """As many as answerable ones, of whatever kind: whether their own documents answer them does not matter."""
        chosen = self._first(self.answerable, enumerate(questions))
        return [one for at, one in enumerate(questions) if at in chosen]

    def _first(self, most: int, questions: Iterable[tuple[int, EvaluationQuestion]]) -> set[int]:
        """Their places in the file."""
        ordered = sorted(questions, key=lambda numbered: (self._hash(numbered[1]), numbered[1].question))
        return {at for at, _ in ordered[:most]}

    def _hash(self, question: EvaluationQuestion) -> bytes:
        named = f"{self.seed}:{question.id}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(named, digest_size=16).digest()


def parse_sample(text: str, seed: int = SEED) -> Sample:
    """ "30": 30 answerable and 30 unanswerable questions; "30+0": no unanswerable ones. Raises StartError."""
    match = re.fullmatch(r"([0-9]{1,9})(?:\+([0-9]{1,9}))?", text)
    if match is None:
        raise StartError(
            f"--sample {text[:40]!r} names no number of questions.",
            "Give one for both kinds, as 30, or one for each, as 30+10: answerable and unanswerable ones.",
        )
    return Sample(int(match[1]), int(match[2] if match[2] is not None else match[1]), seed)
