"""A language model of a few kilobytes that arrives when a test says so, in place of one that is fetched."""

import hashlib
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from server.app import Parts
from server.commands.serve import serve
from server.llm.catalogue import CatalogueModel, Hub
from server.llm.sources.transfer import Fetched, PullCancelled
from server.settings import ServerSettings
from tests.server.fakes import open_fake_retriever
from tests.waiting import WAIT

COMMIT = "c" * 40
SHAPE = (
    ("general.architecture", "phi3"),
    ("phi3.context_length", 512),
    ("phi3.block_count", 2),
    ("phi3.embedding_length", 32),
    ("phi3.feed_forward_length", 64),
    ("phi3.attention.head_count", 2),
)


def model_of(data: bytes, name: str = "tiny") -> CatalogueModel:
    """A catalogue's entry for a file with these bytes."""
    return CatalogueModel(
        name=name,
        title=name.title(),
        for_="tests",
        file=f"{name}.gguf",
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        licence="MIT",
        sources=(Hub("some/models", f"{name}.gguf", COMMIT),),
        shape=SHAPE,
        vocabulary=400,
    )


class ScriptedPull:
    """Stands half way until `gate` is set, then raises `error`, or writes `data` where the model belongs."""

    def __init__(self, data: bytes = b"a model") -> None:
        self.data = data
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.pulled: list[str] = []  # names, one for each call
        self.half_way = threading.Event()

    def __call__(
        self,
        settings: ServerSettings,
        wanted: CatalogueModel,
        *,
        say: Callable[[str], None],
        progress: Callable[[Fetched], None],
        cancelled: Callable[[], bool],
    ) -> Path:
        self.pulled.append(wanted.name)
        say(f"{wanted.file} comes from a test.")
        progress(Fetched(wanted.size // 2, wanted.size, "fetching", "a test"))
        self.half_way.set()
        for _ in range(int(WAIT / 0.005)):
            if self.gate.wait(0.005):
                break
            if cancelled():
                raise PullCancelled
        if self.error is not None:
            raise self.error
        progress(Fetched(wanted.size, wanted.size, "checking", "a test"))
        settings.models_path.mkdir(parents=True, exist_ok=True)
        path = settings.models_path / wanted.file
        path.write_bytes(self.data)
        return path


def serve_with(data: Path, model: Path) -> None:
    """`docent serve --fetch` over a small index, for a model file that only the hub behind HF_ENDPOINT has."""
    parts = Parts(open_retriever=open_fake_retriever)
    serve(ServerSettings(data=data, port=0, model=""), (model_of(model.read_bytes()),), parts=parts)


if __name__ == "__main__":
    serve_with(*map(Path, sys.argv[1:]))
