"""What a person sees in a Word file and Docent does not read, told in sentences, a kind each (pure)."""

from indexer.documents.extract.builder import DocumentBuilder
from indexer.documents.extract.office.check import only_pictures
from indexer.documents.extract.office.package import damage
from indexer.documents.extract.places import below, counted
from indexer.documents.extract.word.text import Seen
from indexer.errors import SAVE_AGAIN, UnreadableFile

_COMPUTE = ": in Word press Ctrl+A, then F9, and save the file"
_ENDINGS = {
    "chart without stored values": "",
    "chart without its contents": ": they are not in the file",
    "diagram without its contents": ": they are not in the file",
    "field without a stored result": _COMPUTE,
    "number that Word counts by itself": ", not read: they are not stored in the file",
}


def remarks(seen: Seen) -> list[str]:
    told = [f"Words that are {why} are not searched: {words:,}." for why, words in seen.left_out.items() if words]
    told += damage(seen.damaged)
    if seen.has_changes:
        told.append("Changes that are tracked in it are read as if they were accepted.")
    for kind, headings in sorted(seen.things.items()):
        ending = _ENDINGS.get(kind, "; words inside are not searched")
        told.append(f"It holds {counted(len(headings), kind)}{below(headings)}{ending}.")
    return told + seen.said


def check(builder: DocumentBuilder, seen: Seen) -> None:
    """Raises what is true of a file whose words are all pictures; small ones are said where there is nothing else."""
    if not builder.is_empty:
        return
    if seen.damaged:
        raise UnreadableFile(f"It holds no text. {' '.join(remarks(seen))}", SAVE_AGAIN)
    if "picture" in seen.things:
        raise only_pictures()
    if seen.small_pictures:
        builder.remarks.append(f"It holds {counted(seen.small_pictures, 'small picture')} and no words.")
