"""What a person sees in a workbook and Docent does not read: gathered sheet by sheet, told in sentences (pure)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.office.check import only_pictures
from indexer.documents.extract.office.package import damage
from indexer.documents.extract.places import counted, named
from indexer.errors import SAVE_AGAIN, UnreadableFile

_ENDINGS = {
    "chart without stored values": ": the words of it alone are searched",
    "chart without its contents": ": they are not in the file",
    "diagram without its contents": ": they are not in the file",
    "formula without a stored value": ": open and save the file in Excel to have them computed",
    "cell with a picture or a data card": ", not read",
    "set of icons that a rule draws": ": the numbers below are read, the icons are not",
    "number format of a rule": ": numbers there are read without it",
    "hidden row": ", searched all the same",
    "hidden column": ", searched all the same",
    "list box": ": what is chosen in it is not read",
    "table that does not repeat all of its merged labels": ": it is too much",
}
"""Of the sentences; of other kinds words inside are not searched."""


@dataclass
class Unread:
    """`things` are counted by kind and sheet."""

    things: dict[str, Counter[str]] = field(default_factory=dict)
    small_pictures: int = 0
    hidden_sheets: list[str] = field(default_factory=list)
    lost_sheets: list[str] = field(default_factory=list)

    def meet(self, kind: str, sheet: str, number: int = 1) -> None:
        if number:
            self.things.setdefault(kind, Counter())[sheet] += number


def remarks(unread: Unread, damaged: Iterable[str]) -> list[str]:
    """A sentence for each kind of thing."""
    told = []
    if unread.hidden_sheets:
        told.append(f"Hidden {_on(unread.hidden_sheets)}: not searched.")
    if unread.lost_sheets:
        told.append(f"Not in the file, or of a kind that is not read: {_on(unread.lost_sheets)}.")
    for kind, places in unread.things.items():
        ending = _ENDINGS.get(kind, "; words inside are not searched")
        told.append(f"{counted(places.total(), kind)} on {_on(places)}{ending}.")
    return told + damage(damaged)


def check(builder: DocumentBuilder, unread: Unread, damaged: Iterable[str]) -> None:
    """Raises what is true of a file whose words are all pictures; small ones are said where there is nothing else."""
    if not builder.is_empty:
        return
    if lost := damage(damaged):
        raise UnreadableFile(f"It holds no text. {' '.join(lost)}", SAVE_AGAIN)
    if "picture" in unread.things and not unread.hidden_sheets:
        raise only_pictures()
    if unread.small_pictures:
        builder.remarks.append(f"It holds {counted(unread.small_pictures, 'small picture')}.")


def _on(names: Iterable[str]) -> str:
    """`sheet "Rates"`, `sheets "Rates" and "Terms"`."""
    known = list(dict.fromkeys(names))
    return f"sheet{'s' * (len(known) != 1)} {named(known)}"
