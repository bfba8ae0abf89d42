"""Right English words, whatever the documents hold: the 82,834 of symspellpy's word list (MIT), read once.

It is the words of Google's book n-grams that stand in the spell checkers' list SCOWL too, among them names of places
and people and every form of a word; nothing of the package but this file is used.
"""

import importlib.util
from functools import cache
from pathlib import Path

PACKAGE = "symspellpy"
WORD_LIST = "frequency_dictionary_en_82_765.txt"  # a line is a word, a space, and how often it was seen


def is_english(word: str) -> bool:
    """Whether a folded word is in the dictionary."""
    return word in _words()


@cache
def _words() -> frozenset[str]:
    """Takes 40 ms and 9 MB. Raises RuntimeError where the package was installed without its list."""
    spec = importlib.util.find_spec(PACKAGE)  # found without importing it
    path = Path(spec.origin).parent / WORD_LIST if spec is not None and spec.origin else None
    if path is None or not path.is_file():
        raise RuntimeError(f"The package {PACKAGE} is not installed whole. Run `make setup`.")
    return frozenset(line.partition(" ")[0] for line in path.read_text(encoding="utf-8-sig").splitlines())
