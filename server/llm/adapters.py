"""LoRA adapters that the operator named in DOCENT_LORA: which files, how strong, and whether they suit the model.

    DOCENT_LORA="tone.gguf, /srv/adapters/legal.gguf=0.5"

A name without a folder is looked for in `adapters` in the data folder too. Raises ModelRefused.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from server.engine.gguf_header import GgufError, GgufHeader, is_adapter, read_header
from server.engine.memory_fit import ModelRefused
from server.settings import ServerSettings

FOLDER = "adapters"  # in the data folder


@dataclass(frozen=True)
class Adapter:
    path: Path
    scale: float  # 1: as it was trained; 0: not at all

    @property
    def size(self) -> int:
        """Bytes; 0 for a file that is not there."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def __str__(self) -> str:
        return self.path.name if self.scale == 1 else f"{self.path.name} at {self.scale:g}"


def adapters(settings: ServerSettings) -> tuple[Adapter, ...]:
    """Those that are named and do something, in their order. Nothing is opened."""
    named = [_parse(part.strip(), settings) for part in settings.lora.split(",") if part.strip()]
    return tuple(adapter for adapter in named if adapter.scale != 0)


def check_adapter(adapter: Adapter, model: GgufHeader) -> None:
    """Refuse what is no LoRA adapter for this model, before llama.cpp opens it."""
    name = adapter.path.name
    try:
        header = read_header(adapter.path)
    except GgufError as error:
        raise _refused(f"{name} cannot be used. {error}") from error
    except OSError as error:
        raise _refused(f"{adapter.path} cannot be read: {error.strerror}.") from error
    if not is_adapter(header):
        raise _refused(f"{name} is no LoRA adapter but a model of its own.")
    if header.architecture != model.architecture:
        raise _refused(
            f"{name} was made for models of the architecture {header.architecture or 'unknown'}; the model in use is "
            f"{model.architecture}."
        )


def _parse(part: str, settings: ServerSettings) -> Adapter:
    text, _, number = part.rpartition("=")
    try:
        scale = float(number) if text else 1.0
    except ValueError:
        text, scale = "", 1.0  # the sign belongs to the name
    if not math.isfinite(scale):
        raise _refused(f"The scale {number!r} is no number that an adapter can be multiplied with.")
    path = Path(text.strip() or part).expanduser()
    inside = settings.data / FOLDER / path
    return Adapter(inside if not path.is_file() and inside.is_file() else path, scale)


def _refused(what: str) -> ModelRefused:
    return ModelRefused(what, "Name GGUF adapters in DOCENT_LORA as FILE or FILE=SCALE, separated by commas.")
