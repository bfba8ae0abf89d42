"""What a person sees in a deck and Docent does not read: gathered slide by slide, told in sentences (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.office.check import only_pictures
from indexer.documents.extract.office.package import damage
from indexer.documents.extract.places import counted, listed
from indexer.errors import SAVE_AGAIN, UnreadableFile


@dataclass
class Unread:
    """Numbers of slides, one for each thing that was left out there."""

    damaged: list[int] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)
    shapes: list[int] = field(default_factory=list)
    hidden_shapes: list[int] = field(default_factory=list)
    notes: list[int] = field(default_factory=list)
    struck: list[int] = field(default_factory=list)
    pictures: list[int] = field(default_factory=list)
    small_pictures: list[int] = field(default_factory=list)  # said only where there is nothing else
    films: list[int] = field(default_factory=list)
    sounds: list[int] = field(default_factory=list)
    models: list[int] = field(default_factory=list)
    drawings: list[int] = field(default_factory=list)  # made by hand, with a pen
    frames: list[int] = field(default_factory=list)  # of kinds that are not known: add-ins, summaries of slides
    objects: list[int] = field(default_factory=list)
    charts: list[int] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)


def remarks(unread: Unread, damaged: Iterable[str] = ()) -> list[str]:
    """A sentence for each kind of thing. `damaged` are parts that belong to no slide alone."""
    told = []
    if unread.hidden:
        told.append(f"Hidden slides are not searched: {listed(unread.hidden)}.")
    if unread.damaged:
        is_one = len(unread.damaged) == 1
        told.append(
            f"{_slides(unread.damaged).capitalize()} {'is' if is_one else 'are'} damaged and could not be read."
        )
    for places, one, several, what in (
        (unread.shapes, "shape", "shapes", " could not be read"),
        (unread.notes, "page of notes", "pages of notes", " could not be read"),
        (unread.hidden_shapes, "hidden shape", "hidden shapes", ", not searched"),
        (unread.charts, "chart", "charts", ", whose values are not stored in the file"),
        (unread.pictures, "picture", "pictures", "; words inside are not searched"),
        (unread.films, "film", "films", "; words inside are not searched"),
        (unread.sounds, "sound recording", "sound recordings", "; words inside are not searched"),
        (unread.models, "three-dimensional model", "three-dimensional models", "; words inside are not searched"),
        (unread.drawings, "drawing by hand", "drawings by hand", "; words inside are not searched"),
        (unread.frames, "frame of an add-in", "frames of add-ins", "; words inside are not searched"),
        (unread.objects, "embedded file", "embedded files", "; words inside are not searched"),
    ):
        if places:
            told.append(f"{len(places):,} {one if len(places) == 1 else several} on {_slides(places)}{what}.")
    if unread.struck:
        told.append(f"Words that are struck out on {_slides(unread.struck)} are not searched.")
    if unread.labels:
        told.append(f"Tables on {_slides(unread.labels)} do not repeat all their merged labels: it is too much.")
    return told + damage(damaged)


def check(builder: DocumentBuilder, unread: Unread, slides: int) -> None:
    """Raise what is true of a deck without any text."""
    if not builder.is_empty or not slides:
        return
    if unread.damaged:
        is_all = len(set(unread.damaged)) == slides
        what = "No slide of the file can be read: it is damaged." if is_all else " ".join(remarks(unread))
        raise UnreadableFile(what, SAVE_AGAIN)
    if (unread.pictures or unread.small_pictures) and not unread.hidden:
        raise only_pictures(f"No text on {'its only slide' if slides == 1 else f'any of its {slides} slides'}")
    if unread.small_pictures:
        builder.remarks.append(
            f"{counted(len(unread.small_pictures), 'small picture')} on {_slides(unread.small_pictures)}."
        )


def _slides(numbers: Iterable[int]) -> str:
    """`slide 4`, `slides 1, 4 and 6-9`."""
    different = set(numbers)
    return f"slide {listed(different)}" if len(different) == 1 else f"slides {listed(different)}"
