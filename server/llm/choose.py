"""Which language model answers: the one behind DOCENT_GENERATOR_URL, else a model file on this machine, else none."""

from pathlib import Path

from indexer.errors import StartError
from server.engine.llama import build
from server.llm.adapters import adapters
from server.llm.generator import Generator
from server.llm.local import LocalGenerator
from server.llm.local import open_generator as open_local
from server.llm.model_files import resolve_model
from server.llm.recorded import RecordedGenerator, model_identity
from server.llm.remote import RemoteGenerator
from server.llm.stitching import forget_all
from server.settings import ServerSettings


def open_generator(settings: ServerSettings) -> Generator | None:
    """Loading or connecting in the background. None without a model. Raises StartError or ModelNotFound."""
    identity = _identity(settings) if settings.recordings else ""
    generator: Generator | None = None
    try:
        generator = _open(settings)
    finally:
        if not isinstance(generator, LocalGenerator):
            forget_all(settings)
    if generator is None or not settings.recordings:
        return generator
    return RecordedGenerator(generator, Path(settings.recordings), identity)


def _open(settings: ServerSettings) -> Generator | None:
    if not settings.generator_url:
        return open_local(settings)
    remote = RemoteGenerator(settings)
    remote.start()
    return remote


def _identity(settings: ServerSettings) -> str:
    """Of the model whose answers are recorded; "" for one behind an address, of which only the name is known.

    Raises StartError where a file cannot be read.
    """
    path = None if settings.generator_url else resolve_model(settings)
    if path is None:
        return ""
    chosen = adapters(settings)
    kind: list[object] = [build(), *(one.scale for one in chosen)]
    if settings.passage_cache:
        kind.append("stitched")  # other answers, and not the same ones each time
    try:
        return model_identity([path, *(one.path for one in chosen)], kind)
    except OSError as error:
        raise StartError(
            f"{error.filename} cannot be read to record its answers: {error.strerror}.",
            "Check the file and its folder.",
        ) from error
