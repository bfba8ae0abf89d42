"""Which of the found chunks say what a better one of another document says already (pure).

Documents stand in several folders, as Word file and PDF, in a version of May and one of June. A chunk is a copy where
every sentence of it stands, word for word, in chunks of one other document, under the same headings. Sentences that
only date it do not count while the question asks for no date, nor does a title that only names the copy. Whatever
differs in a number, a name or any other word is no copy, and stays: it may be what is asked.

Nothing is compared with everything: sentences lead to the chunks that hold them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np

from indexer.search.found import FoundChunk
from indexer.text.folding import ASKS_FOR_DATES, dates_a_copy, folded, statements, without_copy_marks
from indexer.text.names import numbers_and_names
from indexer.text.terms import fold, stem, words

RELATED_SHARE = 0.5
"""A chunk of which so much stands in one of another document is of another version of it: both take their places as if
they were of one document."""


@dataclass(frozen=True)
class Asked:
    """What a question may mean by which copies differ."""

    words: frozenset[str]  # folded, of the question and those before it

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Asked":
        return cls(frozenset(word for text in texts for word in words(text)))

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(map(stem, self.words))

    @cached_property
    def for_dates(self) -> bool:
        return self.touches(fold(word) for word in ASKS_FOR_DATES)

    def touches(self, others: Iterable[str]) -> bool:
        """Whether it has one of these folded words, in any form."""
        return not self.stems.isdisjoint(map(stem, others))


class _Said:
    """A found chunk as it is compared."""

    def __init__(self, found: FoundChunk) -> None:
        chunk = found.chunk
        self.found = found
        self.id, self.document, self.prefix = found.id, chunk.document_id, chunk.prefix  # attributes of rows are slow
        spans = np.frombuffer(chunk.sentences, np.int32).reshape(-1, 2) - chunk.start
        self._placed = list(statements(chunk.body, spans.tolist()))
        said = frozenset(one for one, *_ in self._placed)
        above = {folded(part) for line in self.prefix.splitlines() for part in line.split(" › ")}
        self._holds = said | above
        self.statements = said - above or said

    def counting(self, asked: Asked) -> frozenset[str]:
        """Its statements without those that only date it, where no date is asked for."""
        if asked.for_dates:
            return self.statements
        dating = {one for one in self.statements if dates_a_copy(one) and not asked.touches(words(one))}
        return self.statements - dating or self.statements

    def spans_in(self, copy: "_Said") -> tuple[tuple[int, int], ...]:
        """What of it `copy` says too: code points of its document, statement beside statement together."""
        spans: list[tuple[int, int]] = []
        continues = False
        for one, start, end in self._placed:
            if one in copy._holds:
                first = spans.pop()[0] if continues else start + self.found.chunk.start
                spans.append((first, end + self.found.chunk.start))
            continues = one in copy._holds
        return tuple(spans)

    @cached_property
    def words(self) -> frozenset[str]:
        """Of all that is shown of it."""
        return frozenset(words(f"{self.found.title}\n{self.found.chunk.prefix}\n{self.found.chunk.body}"))

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(map(stem, self.words))

    @cached_property
    def headings(self) -> frozenset[str]:
        """Words over it: of its headings and its table's header, the title left out."""
        return frozenset(words(self.prefix.removeprefix(self.found.title)))

    @cached_property
    def title(self) -> frozenset[str]:
        return frozenset(words(self.found.title))

    @cached_property
    def naming(self) -> frozenset[str]:
        """The numbers and names of its title, but for what only says which copy it is."""
        names = {word for name in numbers_and_names(self.found.title) for word in words(name)}
        core = words(without_copy_marks(self.found.title))
        return frozenset(word for word in core if word in names or word[0].isdecimal())

    @cached_property
    def is_named_by_file(self) -> bool:
        """Whether nobody gave the document a title."""
        path = PurePosixPath(self.found.path)
        named = folded(self.found.title)
        return named in (folded(path.name), folded(self.found.path)) or words(named) == words(path.stem)

    def is_below_the_same(self, other: "_Said", asked: Asked) -> bool:
        """Whether title and headings tell the two apart in nothing that matters."""
        if self.prefix == other.prefix:
            return True
        if not (self.headings <= other.words and other.headings <= self.words):
            return False
        return self._is_titled_like(other, asked) and other._is_titled_like(self, asked)

    def _is_titled_like(self, other: "_Said", asked: Asked) -> bool:
        """Whether its title adds nothing to the other chunk: the question does not name what it adds, and that is
        the name of a file, or neither a number nor a name."""
        added = {word for word in self.title if stem(word) not in other.stems}
        if not added:
            return True
        if asked.touches(added):
            return False
        if self.is_named_by_file:
            return True
        return self.naming <= other.words


@dataclass(frozen=True)
class Copy:
    """A chunk that says nothing beyond others, and what of one of these it says: code points of that one's document."""

    found: FoundChunk
    spans: tuple[tuple[int, int], ...]


Shared = Mapping[int, tuple[set[str], list[_Said]]]
"""By document: what of a chunk is said there too, and the chunks that say it, best first."""


class Distinct:
    """Found chunks that say different things; `add` takes the next ones, best first."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._copies: dict[int, dict[int, _Said]] = {}  # by the ids of a kept chunk and of the copy
        self._kept: dict[int, _Said] = {}  # by the chunk's id
        self._holding: defaultdict[str, list[_Said]] = defaultdict(list)  # kept chunks by what they say
        self._related: dict[int, int] = {}  # document -> one with a lower id of which it is a version

    @property
    def found(self) -> list[FoundChunk]:
        """Those that say something beyond a better one of another document."""
        return [said.found for said in self._kept.values()]

    @property
    def has_copies(self) -> bool:
        return bool(self._copies)

    @property
    def copies(self) -> dict[int, list[Copy]]:
        """By the id of a chunk that says something beyond: those that were left out because it says what they say, if
        only together with others of its document."""
        return {
            id_: [Copy(copy.found, self._kept[id_].spans_in(copy)) for copy in copies.values()]
            for id_, copies in self._copies.items()
        }

    def family(self, document_id: int) -> int:
        """The document that stands for this one and all others of which it is a version."""
        while document_id in self._related:
            document_id = self._related[document_id]
        return document_id

    def add(self, found: Sequence[FoundChunk]) -> None:
        for said in map(_Said, found):
            shared = self._shared(said)
            own = said.counting(self._asked) if shared else said.statements
            homes = [home for covered, chunks in shared.values() if covered >= own for home in chunks]
            for home in homes:
                self._copies.setdefault(home.id, {})[said.id] = said
            if homes:
                continue
            for other in self._covered_by(own, shared):
                self._copies.setdefault(said.id, {}).update({other.id: other, **self._copies.pop(other.id, {})})
                del self._kept[other.id]
            self._kept[said.id] = said
            for one in said.statements:
                self._holding[one].append(said)
            self._relate(said, own, shared)

    def _shared(self, said: _Said) -> Shared:
        held: defaultdict[int, list[str]] = defaultdict(list)
        for one in said.statements:
            for other in self._holding.get(one, ()):
                if other.document != said.document and other.id in self._kept:
                    held[other.id].append(one)
        shared: dict[int, tuple[set[str], list[_Said]]] = {}
        for id_, other in self._kept.items() if held else ():
            if id_ in held and other.is_below_the_same(said, self._asked):
                covered, chunks = shared.setdefault(other.document, (set(), []))
                covered.update(held[id_])
                chunks.append(other)
        return shared

    def _covered_by(self, own: frozenset[str], shared: Shared) -> list[_Said]:
        """The kept chunks that say nothing beyond `own`."""
        return [other for _, chunks in shared.values() for other in chunks if other.counting(self._asked) <= own]

    def _relate(self, said: _Said, own: frozenset[str], shared: Shared) -> None:
        for document, (covered, _) in shared.items():
            if sum(map(len, covered)) >= RELATED_SHARE * sum(map(len, own)):
                first, second = sorted((self.family(document), self.family(said.document)))
                if first != second:
                    self._related[second] = first
