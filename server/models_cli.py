"""docent models list | pull | use: what language models there are, and which one answers."""

import json

import click

from indexer.errors import StorageError
from server.engine.fit import context_limit, gib, kv_bytes_per_token
from server.model_files import (
    CATALOGUE,
    InstalledModel,
    ModelNotFound,
    find_model,
    installed_models,
    model_name,
    resolve_model,
    write_choice,
)
from server.model_pull import pull, wanted_file
from server.settings import ServerSettings


@click.group()
def models() -> None:
    """The language models: what is installed, what can be pulled, which one is used."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_models(as_json: bool) -> None:
    """Show the installed models and those that can be pulled."""
    settings = ServerSettings()
    installed = installed_models(settings)
    try:
        used = resolve_model(settings)
        trouble = ""
    except (ModelNotFound, StorageError) as error:
        used, trouble = None, str(error)
    if as_json:
        rows = [_row(model, settings, model.path == used) for model in installed]
        pullable = [{"name": model.name, "file": model.file, "size": model.size} for model in CATALOGUE]
        click.echo(json.dumps({"installed": rows, "can_be_pulled": pullable, "folder": str(settings.models_path)}))
        return
    click.echo(f"Installed in {settings.models_path.absolute()}:")
    for model in installed:
        click.echo(_line(model, settings, model.path == used))
    if not installed:
        click.echo("  none: answers are quoted from the documents until a model is installed")
    if used is not None and used not in [model.path for model in installed]:
        click.echo(f"In use from elsewhere: {used}")
    click.echo("Can be pulled:")
    for known in CATALOGUE:
        click.echo(f"  {known.name:<28} {gib(known.size):>8}  {known.licence} licence, {known.repository}")
    if trouble:
        click.echo(trouble, err=True)


@models.command("pull")
@click.argument("name")
def pull_model(name: str) -> None:
    """Fetch NAME (see list), or OWNER/REPOSITORY/FILE.gguf from the Hugging Face hub."""
    settings = ServerSettings()
    path = pull(settings, wanted_file(name), say=lambda line: click.echo(line, err=True))
    click.echo(f"{model_name(path)} is installed: {path}")


@models.command("use")
@click.argument("name")
def use_model(name: str) -> None:
    """Answer with NAME from now on."""
    settings = ServerSettings()
    path = find_model(settings, name, "The command")
    write_choice(settings, model_name(path) if path.parent == settings.models_path else str(path.absolute()))
    click.echo(f"{model_name(path)} is used from the next start of docent serve on.")
    if settings.model:
        click.echo(f"DOCENT_MODEL is set to {settings.model!r} and wins over this choice.", err=True)


def _row(model: InstalledModel, settings: ServerSettings, used: bool) -> dict[str, str | int | bool]:
    row: dict[str, str | int | bool] = {"name": model.name, "file": model.path.name, "size": model.size, "used": used}
    header = model.header
    if header is None:
        return {**row, "problem": model.problem}
    context = min(settings.context, context_limit(header) or settings.context)
    memory = model.size + kv_bytes_per_token(header) * context
    return {**row, "architecture": header.architecture, "context": context_limit(header), "memory": memory}


def _line(model: InstalledModel, settings: ServerSettings, used: bool) -> str:
    row = _row(model, settings, used)
    head = f"{'*' if used else ' '} {model.name:<28} {gib(model.size):>8}"
    if "problem" in row:
        return f"{head}  {row['problem']}"
    return (
        f"{head}  {row['architecture']}, context {row['context']:,} tokens, needs {gib(int(row['memory']))} of memory"
    )
