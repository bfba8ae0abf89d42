"""Which model files are in the models folder, which of them is used, and which can be pulled.

The model in use is, in this order: `DOCENT_MODEL` (a path or a name), the name in the file `<data>/model` (written by
`docent models use`), the catalogue's first model that is installed, the first GGUF by name. Raises ModelNotFound when
a name was given that is not there.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import StartError, StorageError
from indexer.settings import IndexerSettings
from server.engine.gguf_header import GgufError, GgufHeader, Value, read_header
from server.settings import ServerSettings


class ModelNotFound(StartError):  # noqa: N818 (named as its HTTP cousin)
    """A model was asked for by a name that nothing in the models folder has."""


@dataclass(frozen=True)
class CatalogueModel:
    """A model that can be pulled by name."""

    name: str
    title: str
    repository: str  # on the Hugging Face hub
    revision: str  # commit; keeps the file what it was when the hash was taken
    file: str
    size: int  # bytes
    sha256: str
    licence: str
    shape: tuple[tuple[str, Value], ...]  # what its header says, as far as memory hangs on it
    vocabulary: int  # tokens

    @property
    def header(self) -> GgufHeader:
        """As if it were installed."""
        return GgufHeader(self.size, dict(self.shape), lengths={"tokenizer.ggml.tokens": self.vocabulary})


CATALOGUE = (
    CatalogueModel(
        name="phi-3-mini",
        title="Phi-3-mini",
        repository="microsoft/Phi-3-mini-4k-instruct-gguf",
        revision="a64113399c2f6b8ad3e11c394733a2ddadaa7f33",
        file="Phi-3-mini-4k-instruct-q4.gguf",
        size=2_393_231_072,
        sha256="8a83c7fb9049a9b2e92266fa7ad04933bb53aa1e85136b7b30f1b8000ff2edef",
        licence="MIT",
        shape=(
            ("general.architecture", "phi3"),
            ("phi3.context_length", 4096),
            ("phi3.block_count", 32),
            ("phi3.embedding_length", 3072),
            ("phi3.feed_forward_length", 8192),
            ("phi3.attention.head_count", 32),
            ("phi3.attention.head_count_kv", 32),
        ),
        vocabulary=32064,
    ),
)


@dataclass(frozen=True)
class InstalledModel:
    """A GGUF in the models folder. `problem` says why it cannot be used; then there is no header."""

    name: str
    path: Path
    size: int  # bytes
    header: GgufHeader | None
    problem: str = ""


def catalogue_model(name: str) -> CatalogueModel | None:
    return next((model for model in CATALOGUE if model.name == name.lower()), None)


def model_name(path: Path) -> str:
    """How a model file is called: the catalogue's name, or the file's name without its ending."""
    known = next((model.name for model in CATALOGUE if model.file == path.name), None)
    return known or path.stem


def model_title(path: Path) -> str:
    """The model's name as prose writes it."""
    return next((model.title for model in CATALOGUE if model.file == path.name), path.stem)


def model_paths(settings: IndexerSettings) -> list[Path]:
    """GGUF files laid into the models folder; of a split model its first part."""
    folder = settings.models_path
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".gguf" and path.is_file())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StorageError(f"The models folder {folder} cannot be read: {error.strerror}.") from error
    return [path for path in found if "-of-" not in path.stem or "-00001-of-" in path.stem]


def installed_models(settings: IndexerSettings) -> list[InstalledModel]:
    """What the models folder holds, each with what its header says."""
    return [installed_model(path) for path in model_paths(settings)]


def installed_model(path: Path) -> InstalledModel:
    """A model file, wherever it lies."""
    name, size = model_name(path), 0
    try:
        size = path.stat().st_size
        header = read_header(path)
        return InstalledModel(name, path, header.file_size, header)
    except GgufError as error:
        return InstalledModel(name, path, size, None, str(error))
    except OSError as error:
        return InstalledModel(name, path, size, None, f"It cannot be read: {error.strerror}.")


def resolve_model(settings: ServerSettings) -> Path | None:
    """The model file to load; None when no model is installed and none was asked for."""
    if settings.model:
        return find_model(settings, settings.model, "DOCENT_MODEL")
    chosen = read_choice(settings)
    if chosen:
        return find_model(settings, chosen, f"The choice in {choice_path(settings)}")
    paths = model_paths(settings)
    order = [model.file for model in CATALOGUE]
    return min(paths, key=lambda path: (path.name not in order, path.name), default=None)


def find_model(settings: IndexerSettings, wanted: str, who: str) -> Path:
    """The file that a path or a name means. Raises ModelNotFound, which lists what is there."""
    path = _as_file(wanted)
    if path is not None:
        return path
    paths = model_paths(settings)
    for candidate in paths:
        if wanted.lower() in {candidate.name.lower(), candidate.stem.lower(), model_name(candidate).lower()}:
            return candidate
    there = ", ".join(model_name(candidate) for candidate in paths) or "none"
    known = catalogue_model(wanted)
    advice = f"docent models pull {known.name} installs it." if known else "docent models list shows what can be used."
    raise ModelNotFound(
        f"{who} names the model {wanted!r}, which is not there. Installed in {settings.models_path}: {there}.", advice
    )


def _as_file(wanted: str) -> Path | None:
    try:
        path = Path(wanted).expanduser()
        return path if path.is_file() else None
    except (OSError, RuntimeError):  # longer than a path may be, or the home of nobody
        return None


def choice_path(settings: IndexerSettings) -> Path:
    return settings.data / "model"


def read_choice(settings: IndexerSettings) -> str:
    """The name that `docent models use` wrote; empty if none."""
    try:
        return choice_path(settings).read_text(encoding="utf-8").strip()[:1000]
    except (OSError, UnicodeDecodeError):
        return ""


def write_choice(settings: IndexerSettings, name: str) -> None:
    path = choice_path(settings)
    draft = path.with_name("model.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(name + "\n", encoding="utf-8")
        os.replace(draft, path)  # noqa: PTH105 (the atomic replacement)
    except OSError as error:
        raise StorageError(f"The choice could not be written to {path}: {error.strerror}.") from error
