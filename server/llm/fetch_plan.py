"""Which language model `docent serve --fetch NAME` fetches on this machine, or why none: decided before it is fetched.

`default` leaves the choice to Docent: the catalogue's default, where memory or disk is too small for it the small one,
and nothing where a model is installed already. A name means that model and no other.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from indexer.errors import StartError
from indexer.settings import IndexerSettings
from server.llm.catalogue import CATALOGUE, DEFAULT_MODEL, SMALL_MODEL, CatalogueModel, catalogue_model
from server.llm.machine import ModelRefused, fit_here
from server.llm.model_files import ModelNotFound, resolve_model
from server.settings import ServerSettings

DEFAULT = "default"
DEFAULTS = tuple(model for name in (DEFAULT_MODEL, SMALL_MODEL) for model in CATALOGUE if model.name == name)
SPARE_BYTES = 512_000_000  # that the disk keeps free beside the model: an index is written meanwhile
MEGABYTE = 1_000_000

Lack = Literal["too_large", "no_room"]


@dataclass(frozen=True)
class Choice:
    """The model to fetch. `why` says why it is not the first one that was thought of; empty where it is."""

    model: CatalogueModel
    why: str = ""


@dataclass(frozen=True)
class NoneFits:
    """Nothing is fetched. `why` is a sentence for everybody, `advice` what to do about it."""

    model: CatalogueModel
    lack: Lack
    why: str
    advice: str


def asked_for(settings: ServerSettings, name: str) -> tuple[ServerSettings, tuple[CatalogueModel, ...]]:
    """The settings with which to start, and the models that may be fetched, the preferred one first; none where
    something else shall answer. A name goes before DOCENT_MODEL, which goes before `default`. Raises StartError."""
    if not name or settings.generator_url:
        return settings, ()
    if name.lower() == DEFAULT:
        return settings, () if settings.model else DEFAULTS
    known = catalogue_model(name)
    if known is None:
        names = ", ".join([DEFAULT, *(model.name for model in CATALOGUE)])
        raise StartError(
            f"{name!r} is no model that a start can fetch.",
            f"Give one of {names}, or fetch another with `docent models pull` first.",
        )
    return settings.model_copy(update={"model": known.name}), (known,)


def installed(settings: ServerSettings, models: Sequence[CatalogueModel]) -> Path | None:
    """The model file that answers with these settings. None where there is none, or one of `models` in another size
    than its own: half a file. Raises ModelNotFound where a name was given that is not one of `models`."""
    try:
        path = resolve_model(settings)
    except ModelNotFound:
        if settings.model not in [model.name for model in models]:
            raise
        return None
    if path is None or any(model.file == path.name and model.size != path.stat().st_size for model in models):
        return None
    return path


def choose(settings: ServerSettings, models: Sequence[CatalogueModel], memory: int, disk: int) -> Choice | NoneFits:
    """The first of `models`, of which there is at least one, that `memory` and `disk` have room for: bytes free."""
    lacking: list[_Lacking] = []
    for model in models:
        lack = _lacking(settings, model, memory, disk)
        if lack is None:
            return Choice(model, f"{lacking[0].why} So the smaller {model.name} comes instead." if lacking else "")
        lacking.append(lack)
    figures = " ".join(f"{model.name}: {lack.figures}" for model, lack in zip(models, lacking, strict=True))
    return NoneFits(models[0], lacking[-1].lack, lacking[0].why, f"{figures} {lacking[-1].advice}")


@dataclass(frozen=True)
class _Lacking:
    """What one model finds too little of."""

    lack: Lack
    why: str
    figures: str  # a sentence
    advice: str


def _lacking(settings: ServerSettings, model: CatalogueModel, memory: int, disk: int) -> _Lacking | None:
    try:
        fit_here(model.header, settings, memory)
    except ModelRefused as error:
        why = f"The server has too little free memory for {model.name}."
        return _Lacking("too_large", why, error.what, error.advice)
    missing = model.size - _arrived(settings, model)
    if missing + SPARE_BYTES <= disk:
        return None
    return _Lacking(
        "no_room",
        f"The disk of the server has too little room for {model.name}.",
        f"{missing // MEGABYTE:,} MB are to be fetched and {SPARE_BYTES // MEGABYTE:,} MB to be kept free, but "
        f"{disk // MEGABYTE:,} MB are free.",
        f"Make room beside {settings.models_path.absolute()}, or set DOCENT_DATA to a folder on a larger disk.",
    )


def _arrived(settings: IndexerSettings, model: CatalogueModel) -> int:
    """Bytes that an earlier fetch left behind."""
    return sum(path.stat().st_size for path in (settings.models_path / ".partial").glob(f"*-{model.file}"))


def free_disk(settings: IndexerSettings) -> int:
    """Bytes free where models are kept."""
    folder = settings.models_path.absolute()
    return shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.is_dir())).free
