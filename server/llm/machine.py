"""What this machine has, and how a model fits it: cores, free memory."""

import os
from pathlib import Path

import psutil

from server.engine.gguf_header import GgufError, GgufHeader, read_header
from server.engine.llama import check_card, library
from server.engine.memory_fit import DoesNotFit, Fit, ModelRefused, Wanted, context_limit, fit_model, gib
from server.engine.scheduler import PIECE
from server.engine.slots import CACHED_SEQUENCES
from server.llm.catalogue import DEFAULT_MODEL
from server.settings import ServerSettings

__all__ = ["DoesNotFit", "Fit", "GgufHeader", "ModelRefused", "check_card", "context_limit", "gib", "library"]
"""What commands and pages may use of the engine."""

SLOTS = 8  # requests answered at the same time, at most
ROWS = PIECE + SLOTS  # of a batch
RESERVED_ROWS = -(-ROWS // (SLOTS + CACHED_SEQUENCES)) * (SLOTS + CACHED_SEQUENCES)


def fit_here(header: GgufHeader, settings: ServerSettings, available: int, beside: int = 0) -> Fit:
    """The sizes for these settings, with what is read of passages and `beside` bytes more. Raises ModelRefused."""
    wanted = Wanted(settings.context, SLOTS, RESERVED_ROWS, settings.cache_mb << 20, settings.gpu_layers)
    passages = settings.passage_cache << 20
    try:
        return fit_model(header, wanted, available - beside - passages)
    except DoesNotFit as error:
        if not passages or not _fits(header, wanted, available - beside):
            raise
        raise DoesNotFit(
            f"The model fits into the {gib(available)} that are free, but not beside {gib(passages)} for passages.",
            "Set DOCENT_PASSAGE_CACHE to less, or to 0.",
        ) from error


def _fits(header: GgufHeader, wanted: Wanted, available: int) -> bool:
    try:
        fit_model(header, wanted, available)
    except DoesNotFit:
        return False
    return True


def read_model_header(path: Path) -> GgufHeader:
    """Raises ModelRefused for a file that cannot be read or is none."""
    advice = f"docent models list shows what can be used; docent models pull {DEFAULT_MODEL} installs a model."
    try:
        return read_header(path)
    except GgufError as error:
        raise ModelRefused(f"{path.name} cannot be used. {error}", advice) from error
    except OSError as error:
        raise ModelRefused(f"{path.name} cannot be read: {error.strerror}.", advice) from error


def cores() -> int:
    """Physical cores that this process may use; hyper-threads slow llama.cpp down."""
    physical = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, min(physical, allowed))


def free_memory() -> int:
    """Bytes that can be taken without swapping, within the limit of a container."""
    available: int = psutil.virtual_memory().available
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
    except (OSError, ValueError):  # no limit, or no control groups
        return available
    return min(available, limit - used)
