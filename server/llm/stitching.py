"""Whether passages are stitched with this model, and what they are kept in."""

import logging
from pathlib import Path

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
    """None where it is switched off, and where this model cannot do it, which one line says. The cache is empty."""
    folder: Path = settings.data / FOLDER
    if not settings.passage_cache:
        remove_passages(folder)
        return None
    rotation = rotation_of(header, *rope)
    if rotation is None or not context.can_share:
        logger.warning("Passages are read in full: this model's keys cannot be moved (DOCENT_PASSAGE_CACHE).")
        return None
    distance = min(FAR, settings.context - 1)
    if not turns_as(context, rotation, (context.vocabulary.tokenize("the") or [0])[-1], distance):
        logger.warning("Passages are read in full: moving this model's keys was tried and does not hold.")
        return None
    memory = settings.passage_cache << 20
    return Stitching(PassageStore(memory, PassageFolder(folder, model, DISK * memory)), rotation, model)
