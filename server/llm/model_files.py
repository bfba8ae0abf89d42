"""Which model files are in the models folder, and which of them is used.

The model in use is, in this order: `DOCENT_MODEL` (a path or a name), the one that was chosen (`docent models use`, the
settings page; kept in `<data>/settings.json`), the catalogue's first model that is installed, the first other GGUF by
name. A model that is there for tests is used only by name. Raises ModelNotFound when a name was given that is not
there.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import StartError, StorageError
from indexer.settings import KEPT, IndexerSettings, read_kept
from server.engine.gguf_header import GgufError, GgufHeader, read_header
from server.llm.catalogue import CATALOGUE, catalogue_model, model_of_file
from server.settings import ServerSettings, keep

CHOICE = "model"  # its name among what is kept
NO_MODEL_NAME = "none"
"""As DOCENT_MODEL: no language model is used, although one may be installed."""


class ModelNotFound(StartError):  # noqa: N818 (named as its HTTP cousin)
    """A model was asked for by a name that nothing in the models folder has."""


@dataclass(frozen=True)
class InstalledModel:
    """A GGUF in the models folder. `problem` says why it cannot be used; then there is no header."""

    name: str
    path: Path
    size: int  # bytes
    header: GgufHeader | None
    problem: str = ""


def model_name(path: Path) -> str:
    """How a model file is called: the catalogue's name, or the file's name without its ending."""
    known = model_of_file(path.name)
    return known.name if known else path.stem


def model_title(path: Path) -> str:
    """The model's name as prose writes it."""
    known = model_of_file(path.name)
    return known.title if known else path.stem


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
    """The model file to load; None when no model is installed and none was asked for, or `none` was."""
    if settings.model.lower() == NO_MODEL_NAME:
        return None
    if settings.model:
        return find_model(settings, settings.model, "DOCENT_MODEL")
    chosen = read_choice(settings)
    if chosen:
        return find_model(settings, chosen, f"The choice in {settings.data / KEPT}")
    order = [model.file for model in CATALOGUE if model.by_itself]
    paths = [path for path in model_paths(settings) if path.name in order or not model_of_file(path.name)]
    return min(paths, key=lambda path: order.index(path.name) if path.name in order else len(order), default=None)


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


def read_choice(settings: IndexerSettings) -> str:
    """The name that `docent models use` or the settings page chose; empty if none."""
    chosen = read_kept(settings.data).get(CHOICE, "")
    if chosen:
        return str(chosen)[:1000]
    try:
        return older_choice(settings).read_text(encoding="utf-8").strip()[:1000]
    except (OSError, UnicodeDecodeError):
        return ""


def older_choice(settings: IndexerSettings) -> Path:
    """Where a Docent of before the settings page wrote the choice."""
    return settings.data / "model"


def write_choice(settings: IndexerSettings, name: str) -> None:
    """Raises StorageError."""
    keep(settings.data, **{CHOICE: name})
    with suppress(OSError):  # what is kept wins over it
        older_choice(settings).unlink()
