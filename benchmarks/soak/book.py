"""What the server and the indexer have acknowledged, what is still open, and which promises were broken.

A document is known by its collection and path. `Document.may` holds the words of which one has to be found in it now;
the empty word stands for no document. It has several while a change is under way or its acknowledgement was cut off,
and one as soon as the change is acknowledged.
"""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

GONE = ""
_numbers = itertools.count(1)


def new_word() -> str:
    """A word that stands in no other text: letters alone, so that a search takes it for one."""
    number, letters = next(_numbers), ""
    while number:
        number, digit = divmod(number, 20)
        letters += "bcdfghjklmnpqrstvwxz"[digit]
    return f"soak{letters}word"


@dataclass
class Document:
    """A file that was given to Docent: one thread changes it, others look when that one stands still."""

    collection: str
    path: str
    may: frozenset[str] = frozenset({GONE})
    before: str = GONE  # the word that it had when it was deleted last

    @property
    def word(self) -> str | None:
        """What has to be found; None while that is not known."""
        return next(iter(self.may)) if len(self.may) == 1 else None

    def begins(self, word: str) -> None:
        """A change to this word is asked for: from now on it may have happened."""
        self.may |= {word}

    def acknowledged(self, word: str) -> None:
        if word == GONE:
            self.before = next(iter(self.may - {GONE}), self.before)
        self.may = frozenset({word})


@dataclass(frozen=True)
class Turn:
    """A question whose answer a browser has seen to its end."""

    id: int
    conversation: str
    question: str
    cookies: tuple[tuple[str, str], ...]


@dataclass
class Book:
    """Shared by all threads of a soak."""

    tell: Callable[[str], None] = lambda _: None  # of what broke, at once
    documents: dict[tuple[str, str], Document] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    leaving: set[str] = field(default_factory=set)  # conversations whose deletion was asked for
    gone: set[str] = field(default_factory=set)  # and acknowledged
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def document(self, collection: str, path: str) -> Document:
        with self._lock:
            return self.documents.setdefault((collection, path), Document(collection, path))

    def documents_of(self, collection: str) -> list[Document]:
        with self._lock:
            return [one for one in self.documents.values() if one.collection == collection]

    def words(self) -> list[str]:
        """Those that are acknowledged now."""
        with self._lock:
            return [word for one in self.documents.values() if (word := one.word)]

    def count(self, what: str, times: int = 1) -> None:
        with self._lock:
            self.counts[what] += times

    def answered(self, turn: Turn) -> None:
        with self._lock:
            self.turns.append(turn)

    def leaves(self, conversation: str) -> None:
        with self._lock:
            self.leaving.add(conversation)

    def is_gone(self, conversation: str) -> None:
        with self._lock:
            self.gone.add(conversation)

    def kept_turns(self) -> list[Turn]:
        with self._lock:
            return [turn for turn in self.turns if turn.conversation not in self.leaving]

    def breach(self, *what: str) -> None:
        """An invariant did not hold."""
        told = [f"{time.monotonic() - self.started:.0f} s: {one}" for one in what]
        with self._lock:
            self.broken += told
        for one in told:
            self.tell(one)

    def another(self) -> "Book":
        """An empty one, for another data folder in the same soak."""
        return Book(self.tell, started=self.started)

    def add(self, other: "Book", where: str) -> None:
        """What was counted and broken there."""
        with self._lock:
            self.counts += other.counts
            self.broken += [f"{where}{one}" for one in other.broken]
