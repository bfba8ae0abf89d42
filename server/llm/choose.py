"""Which language model answers: the one behind DOCENT_GENERATOR_URL, else a model file on this machine, else none."""

from pathlib import Path

from server.llm.generator import Generator
from server.llm.local import open_generator as open_local
from server.llm.recorded import RecordedGenerator
from server.llm.remote import RemoteGenerator
from server.settings import ServerSettings


def open_generator(settings: ServerSettings) -> Generator | None:
    """Loading or connecting in the background. None without a model. Raises StartError or ModelNotFound."""
    generator = _open(settings)
    if generator is None or not settings.recordings:
        return generator
    return RecordedGenerator(generator, Path(settings.recordings))


def _open(settings: ServerSettings) -> Generator | None:
    if not settings.generator_url:
        return open_local(settings)
    remote = RemoteGenerator(settings)
    remote.start()
    return remote
