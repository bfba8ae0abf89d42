"""`docent doctor`: is everything there that Docent needs? Each finding is a sentence that says what to do.

Nothing is loaded, fetched or changed; a named embedding model is looked for on this machine only.
"""

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click
import httpx
import psutil
from sqlalchemy.exc import DatabaseError

from indexer.client import find_server
from indexer.console import inert
from indexer.embed import model_folder
from indexer.errors import DocentError, program
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import open_knowledge, storage_error
from indexer.knowledge.index_info import check_index
from indexer.settings import DEFAULT_EMBEDDER
from indexer.text.word_pieces import WordPieces
from server.answering.means import no_model
from server.commands.serve import bind
from server.llm.adapters import adapters, check_adapter
from server.llm.machine import check_card, fit_here, free_memory, gib, library, read_model_header
from server.llm.model_files import resolve_model
from server.llm.remote import remote_address
from server.llm.remote_check import CHECK_LIMIT, RemoteProblem, check_server
from server.settings import ServerSettings
from server.web.security import check_exposure, trusted_proxies

LEAST_DISK = 1024**3  # bytes: an index and its snapshots
LEAST_MEMORY = 1536 * 1024**2  # bytes: the search model and the libraries around it


Verdict = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    name: str
    state: Verdict
    detail: str


def run(json_wanted: bool) -> None:
    findings = examine(ServerSettings())
    if json_wanted:
        rows = [{"name": found.name, "state": found.state, "detail": found.detail} for found in findings]
        click.echo(json.dumps(rows, ensure_ascii=False))
    else:
        for found in findings:
            click.echo(inert(f"{found.state:8} {found.name}: {found.detail}"))
    sys.exit(1 if any(found.state == "problem" for found in findings) else 0)


def examine(settings: ServerSettings) -> list[Finding]:
    """Every check, in the order in which a start needs them."""
    checks: list[tuple[str, Callable[[ServerSettings], tuple[Verdict, str]]]] = [
        ("data folder", _data_folder),
        ("disk", _disk),
        ("memory", _memory),
        ("database", _database),
        ("index", _index),
        ("search model", _embedder),
        ("llama.cpp", _llama),
        ("language model", _model),
        ("address", _address),
    ]
    return [_finding(name, check, settings) for name, check in checks]


def _finding(name: str, check: Callable[[ServerSettings], tuple[Verdict, str]], settings: ServerSettings) -> Finding:
    try:
        state, detail = check(settings)
    except DocentError as error:
        state, detail = "problem", str(error)
    except DatabaseError as error:
        state, detail = "problem", str(storage_error(error, str(settings.data)))
    except Exception as error:  # a check that breaks is a finding, and the others still run
        state, detail = "problem", f"This could not be checked ({type(error).__name__}: {error})."
    return Finding(name, state, detail)


def _data_folder(settings: ServerSettings) -> tuple[Verdict, str]:
    folder = settings.data.absolute()
    if folder.exists() and not folder.is_dir():
        return "problem", f"{folder} is a file. Set DOCENT_DATA to a folder."
    if not os.access(_nearest(folder), os.W_OK | os.X_OK):
        return "problem", f"{folder} cannot be written. Change its permissions, or set DOCENT_DATA to another folder."
    return ("ok", f"{folder} can be written.") if folder.exists() else ("note", f"{folder} is made at the first start.")


def _disk(settings: ServerSettings) -> tuple[Verdict, str]:
    free = shutil.disk_usage(_nearest(settings.data.absolute())).free
    if free < LEAST_DISK:
        return "problem", f"{gib(free)} are free. Make room: an ingest needs at least {gib(LEAST_DISK)}."
    return "ok", f"{gib(free)} are free."


def _memory(_settings: ServerSettings) -> tuple[Verdict, str]:
    free, total = free_memory(), psutil.virtual_memory().total
    if free < LEAST_MEMORY:
        return "problem", f"{gib(free)} of {gib(total)} are free. Close other programs: {gib(LEAST_MEMORY)} are needed."
    return "ok", f"{gib(free)} of {gib(total)} are free."


def _database(settings: ServerSettings) -> tuple[Verdict, str]:
    if not settings.knowledge_path.exists():
        return "note", f"{settings.knowledge_path} is made at the first start."
    open_knowledge(settings).dispose()
    return "ok", f"{settings.knowledge_path} can be opened."


def _index(settings: ServerSettings) -> tuple[Verdict, str]:
    if not settings.knowledge_path.exists():
        return "note", f"Nothing is indexed yet. Run `{program('indexer')} ingest FOLDER`."
    engine = open_knowledge(settings)
    try:
        check_index(engine, settings)
        catalog = Catalog(engine)
        collections = catalog.collections(catalog.everything())
    finally:
        engine.dispose()
    documents = sum(collection.documents for collection in collections)
    if not documents:
        return "note", f"Nothing is indexed yet. Run `{program('indexer')} ingest FOLDER`."
    return "ok", f"{documents} documents in {len(collections)} collections. `indexer verify` checks them thoroughly."


def _embedder(settings: ServerSettings) -> tuple[Verdict, str]:
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("sentence_transformers") is None:
        return "problem", "torch or sentence-transformers is not installed. Run `make setup` again."
    if _is_hub_name(settings.embedder):
        return (
            "note",
            f"{settings.embedder} is looked for in the Hugging Face cache, and else fetched, at the next start.",
        )
    folder = model_folder(settings.embedder)
    WordPieces(folder)
    return "ok", f"{settings.embedder} is in {folder}."


def _llama(_settings: ServerSettings) -> tuple[Verdict, str]:
    if importlib.util.find_spec("llama_cpp") is None:
        return "problem", "llama-cpp-python is not installed, so no language model can run. Run `make setup` again."
    build = library()
    features = build.llama_print_system_info().decode("utf-8", "replace")
    used = [part.split("=")[0].split(":")[-1].strip() for part in features.split("|") if part.strip().endswith("= 1")]
    return "ok", f"llama-cpp-python {build.__version__}, compiled for {', '.join(used)}."


def _model(settings: ServerSettings) -> tuple[Verdict, str]:
    if settings.generator_url:
        return _remote_model(settings)
    path = resolve_model(settings)
    if path is None:
        return "note", no_model(settings)
    header, chosen = read_model_header(path), adapters(settings)
    for adapter in chosen:
        check_adapter(adapter, header)
    check_card(settings.gpu_layers)
    if find_server(settings) is not None:
        return "ok", f"{path.name} is in the hands of the server that runs; its status page says how it is."
    free = free_memory() - sum(adapter.size for adapter in chosen)
    name = ", ".join([path.name, *map(str, chosen)])
    return "ok", f"{name}: {fit_here(header, settings, free)}."


def _remote_model(settings: ServerSettings) -> tuple[Verdict, str]:
    url, key = remote_address(settings.generator_url), settings.generator_key
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    try:
        with httpx.Client(headers=headers, timeout=CHECK_LIMIT) as client:
            model = check_server(client, url, settings.generator_model)
    except RemoteProblem as problem:
        return "problem", f"The language model at {url.host} {problem.what}."
    return "ok", f"{model.name} answers at {url}."


def _address(settings: ServerSettings) -> tuple[Verdict, str]:
    check_exposure(settings)
    trusted_proxies(settings)
    server = find_server(settings)
    if server is not None:
        return "ok", f"Docent runs at {server.address.url}."
    bind(settings).close()
    return "ok", f"{settings.host} port {settings.port} is free."


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.is_dir())


def _is_hub_name(embedder: str) -> bool:
    """Neither the built-in model nor a folder: asking for it could fetch it, which a check must not."""
    named = Path(embedder).expanduser()
    looks_like_a_path = embedder.startswith((".", "/", "~")) or embedder.count("/") > 1
    return embedder != DEFAULT_EMBEDDER and not looks_like_a_path and not named.is_dir()
