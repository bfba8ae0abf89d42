"""Whether passages are stitched with this model, and what they are kept in."""

import logging

from server.engine.cell_state import Rotation
from server.engine.gguf_header import GgufHeader
from server.engine.llama import Context
from server.engine.passage_folder import PassageFolder, remove_passages
from server.engine.passage_store import PassageStore
from server.engine.rotating import rotation_of, turns_as
from server.llm.prompt_passages import Stitching
from server.settings import ServerSettings

logger = logging.getLogger("docent.model")

FOLDER = "passages"  # in the data folder
DISK = 4  # bytes on the disk for each of memory
FAR = 1000  # positions over which the rotation is tried, in a context that has so many


def open_stitching(
    settings: ServerSettings, context: Context, rope: tuple[int, float], header: GgufHeader, model: str
) -> Stitching | None:
    """None where it is switched off, and where this model cannot do it, which one line says: nothing is kept then, and
    nothing stays of what was. The cache is empty.
    """
    rotation = _rotation(settings, context, rope, header) if settings.passage_cache else None
    if rotation is None:
        forget_all(settings)
        return None
    memory = settings.passage_cache << 20
    folder = PassageFolder(settings.data / FOLDER, model, DISK * memory)
    return Stitching(PassageStore(memory, folder), rotation, model)


def forget_all(settings: ServerSettings) -> None:
    """Remove what was kept: for who has no store that would forget documents that go."""
    remove_passages(settings.data / FOLDER)


def _rotation(
    settings: ServerSettings, context: Context, rope: tuple[int, float], header: GgufHeader
) -> Rotation | None:
    rotation = rotation_of(header, *rope)
    if rotation is None or not context.can_share:
        logger.warning("Passages are read in full: this model's keys cannot be moved (DOCENT_PASSAGE_CACHE).")
        return None
    distance = min(FAR, settings.context - 1)
    if not turns_as(context, rotation, (context.vocabulary.tokenize("the") or [0])[-1], distance):
        logger.warning("Passages are read in full: moving this model's keys was tried and does not hold.")
        return None
    return rotation
