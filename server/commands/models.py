"""docent models list | pull | use: what language models there are, what each costs and gives, which one answers."""

import json
from pathlib import Path

import click
import psutil

from indexer.client import find_server
from indexer.console import inert
from indexer.errors import StorageError
from indexer.progress import download_progress, message
from server.llm.catalogue import CATALOGUE, DEFAULT_MODEL, CatalogueModel, model_of_file
from server.llm.machine import DoesNotFit, GgufHeader, ModelRefused, context_limit, fit_here, free_memory, gib
from server.llm.model_files import (
    InstalledModel,
    ModelNotFound,
    find_model,
    installed_model,
    installed_models,
    model_name,
    resolve_model,
    write_choice,
)
from server.llm.model_pull import Fetched, from_folder, pull, wanted_file
from server.settings import ServerSettings
from server.views.wording import file_size

Row = dict[str, str | int | float | bool | None]
STAGES = {"fetching": "Fetching", "checking": "Checking"}


def list_models(json_wanted: bool) -> None:
    settings = ServerSettings()
    installed = installed_models(settings)
    try:
        used = resolve_model(settings)
        trouble = ""
    except (ModelNotFound, StorageError) as error:
        used, trouble = None, str(error)
    if used is not None and used not in [model.path for model in installed]:
        installed.append(installed_model(used))
    free = free_memory()
    is_running = find_server(settings) is not None
    rows = [_row(model, settings, free, used=model.path == used, is_running=is_running) for model in installed]
    there = {model.path.name for model in installed}
    pullable = [_pullable(model, settings, free) for model in CATALOGUE if model.file not in there]
    if json_wanted:
        folder = str(settings.models_path)
        click.echo(json.dumps({"installed": rows, "can_be_pulled": pullable, "folder": folder, "free": free}))
        return
    click.echo(f"Installed in {settings.models_path.absolute()} ({gib(free)} of memory are free):")
    for row in rows:
        click.echo(_line(row))
    if not rows:
        click.echo("  none: answers are quoted from the documents until a model is installed")
    click.echo("Can be pulled with docent models pull NAME:" if pullable else "Nothing else can be pulled by name.")
    for row in pullable:
        click.echo(_line(row))
    if trouble:
        click.echo(inert(trouble), err=True)


def pull_model(name: str, folder: Path | None) -> None:
    settings, wanted = ServerSettings(), wanted_file(name)
    if folder is not None:
        wanted = from_folder(wanted, folder)
    with download_progress() as show:

        def progress(fetched: Fetched) -> None:
            show(STAGES[fetched.stage], fetched.done, fetched.total)

        try:
            path = pull(settings, wanted, say=message, progress=progress)
        except KeyboardInterrupt:
            message("Stopped. What has arrived is kept: the same command goes on there.")
            raise
    click.echo(inert(f"{model_name(path)} is installed: {path}"))


def use_model(name: str) -> None:
    settings = ServerSettings()
    path = find_model(settings, name, "The command")
    write_choice(settings, model_name(path) if path.parent == settings.models_path else str(path.absolute()))
    click.echo(f"{inert(model_name(path))} is used from the next start of docent serve on.")
    if settings.model:
        click.echo(f"DOCENT_MODEL is set to {settings.model!r} and wins over this choice.", err=True)


def _row(model: InstalledModel, settings: ServerSettings, free: int, *, used: bool, is_running: bool) -> Row:
    row: Row = {"name": model.name, "file": model.path.name, "size": model.size, "used": used}
    if known := model_of_file(model.path.name):
        row |= _about(known)
    if model.header is None:
        return {**row, "problem": model.problem}
    if not (used and is_running):
        return {**row, **_memory(model.header, settings, free)}
    return {**row, **_memory(model.header, settings, psutil.virtual_memory().total), "loaded": True}


def _pullable(model: CatalogueModel, settings: ServerSettings, free: int) -> Row:
    row: Row = {"name": model.name, "file": model.file, "size": model.size, "used": False}
    return {**row, **_about(model), **_memory(model.header, settings, free)}


def _about(model: CatalogueModel) -> Row:
    """What it is for and what was measured of it: seconds an answer on two cores, share of questions right."""
    is_default = model.name == DEFAULT_MODEL
    figures: Row = {"seconds": model.seconds, "right": model.right}
    return {"for": model.for_, "licence": model.licence, "default": is_default, **figures}


def _memory(header: GgufHeader, settings: ServerSettings, free: int) -> Row:
    """Context that the file declares, what it needs with these settings, and whether that is there."""
    row: Row = {"architecture": header.architecture, "context": context_limit(header)}
    try:
        return {**row, "memory": fit_here(header, settings, free).needs_bytes, "fits": True}
    except DoesNotFit as error:
        return {**row, "fits": False, "problem": str(error)}
    except ModelRefused as error:
        return {"problem": str(error)}


def _line(row: Row) -> str:
    head = f"{'*' if row['used'] else ' '} {inert(str(row['name'])):<28} {file_size(int(row['size'] or 0)):>8}"
    if "architecture" not in row:
        return f"{head}  {inert(str(row['problem']))}"
    about = f"{head}  {inert(str(row['architecture']))}, context {int(row['context'] or 0):,} tokens"
    if not row["fits"]:
        said = f"{about}; does not fit: {inert(str(row['problem']))}"
    else:
        state = "in use by the running server" if "loaded" in row else "fits"
        said = f"{about}; {state}: needs {gib(int(row['memory'] or 0))} of memory"
    return f"{said}\n{'':31}{_merits(row)}" if "for" in row else said


def _merits(row: Row) -> str:
    parts = [f"{'the default, ' if row['default'] else ''}for {row['for']}", f"{row['licence']} licence"]
    if row["seconds"] is not None:
        parts.append(f"{row['seconds']:.0f} s an answer on two cores")
    if row["right"] is not None:
        parts.append(f"{row['right']:.0%} of the questions right")
    return "; ".join(parts)
