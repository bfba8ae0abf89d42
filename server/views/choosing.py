"""What is asked where it is not everything, in words and as what the question box shows of it (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from indexer.passages import ChosenDocument
from indexer.text.shorten import shortened
from server.conversations.asked_of import EVERYTHING, AskedOf

NAMED = 3  # documents that are named above an answer; the rest is counted
NAME = 80  # characters of a name
GONE_DOCUMENT, GONE_COLLECTION = "A document", "A collection"  # where nobody may know the name of what is gone


@dataclass(frozen=True)
class Chip:
    """One of the things that are asked. `off`: the query of an address that asks the others alone."""

    name: str
    path: str
    gone: bool
    off: str


@dataclass(frozen=True)
class Choice:
    """What the question box asks: the values of its fields, and how they are shown."""

    collection: str = ""
    documents: tuple[int, ...] = ()
    chips: tuple[Chip, ...] = ()
    problem: str = ""  # why something could not be chosen as well

    @property
    def query(self) -> str:
        """Of an address that chooses the same."""
        return _query(self.collection, self.documents)


def choice(there: AskedOf, gone: AskedOf = EVERYTHING, problem: str = "") -> Choice:
    """What is chosen and `there`, then what is `gone`, which stays chosen until somebody takes it off."""
    if there.documents or gone.documents:
        every = [*there.documents, *gone.documents]
        chips = [_chip(document, every, document in gone.documents) for document in every]
        return Choice("", tuple(document.id for document in every), tuple(chips), problem)
    name = there.collection or gone.collection
    if not name:
        return Choice(problem=problem)
    chip = Chip(shortened(name, NAME) or GONE_COLLECTION, "", bool(gone.collection), _query("", ()))
    return Choice(name, (), (chip,), problem)


def _chip(document: ChosenDocument, every: Sequence[ChosenDocument], gone: bool) -> Chip:
    others = [other.id for other in every if other is not document]
    return Chip(shortened(document.name, NAME) or GONE_DOCUMENT, document.path, gone, _query("", others))


def _query(collection: str, documents: Sequence[int]) -> str:
    return urlencode([("collection", collection), *(("document", id_) for id_ in documents)])


def asked_of_words(asked: AskedOf) -> str:
    """ "in Leave and Travel": above an answer; empty where everything was asked."""
    names = [shortened(document.name, NAME) for document in asked.documents[:NAMED]]
    more = len(asked.documents) - len(names)
    if asked.collection and not names:
        return f"in {shortened(asked.collection, NAME)}"
    if not names:
        return ""
    listed = [*names, f"{more} more"] if more else names
    last = f" and {listed[-1]}" if len(listed) > 1 else ""
    return f"in {', '.join(listed[:-1]) if last else listed[0]}{last}"
