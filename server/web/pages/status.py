"""The status page: how Docent is, which models it has, and what they and the index take. For whoever runs it."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil
from fastapi import APIRouter, Request, Response

from indexer.errors import DocentError
from server.llm.machine import Fit, ModelRefused, fit_here, free_memory
from server.llm.model_files import InstalledModel, installed_model, installed_models, resolve_model
from server.runtime.health import Part, health_parts
from server.runtime.services import ScopeDep, Services, ServicesDep
from server.settings import ServerSettings
from server.views.wording import counted, decimal_units, file_size
from server.web.pages.page_route import PageRoute
from server.web.pages.shell import shell
from server.web.session import OwnerDep
from server.web.templating import page

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PARTS = {
    "database": "Database",
    "index": "Search index",
    "search_model": "Search model",
    "language_model": "Language model",
}
WRONG = ("failed", "stalled")  # states that a person must do something about
STATES = {
    "ready": "Well",
    "loading": "Loading",
    "fetching": "On its way",
    "absent": "None in use",
    "stalled": "Does not get on",
    "failed": "Does not work",
}


@dataclass(frozen=True)
class HealthLine:
    """One part of Docent: `state` as in /readyz, `word` and `detail` for people."""

    name: str
    state: str
    word: str
    detail: str


@dataclass(frozen=True)
class ModelLine:
    """A language model that is installed; `note` says whether it is used, or why it cannot be."""

    name: str
    size: str
    note: str
    failed: bool = False


@router.get("/status")
def status_page(request: Request, services: ServicesDep, scope: ScopeDep, owner: OwnerDep) -> Response:
    health = health_lines(health_parts(services))
    wrong = [line for line in health if line.state in WRONG]
    context = shell(services, scope, owner)
    return page(
        request,
        "status.html",
        **context,
        health=health,
        verdict=_verdict(health),
        wrong=wrong,
        failed=services.catalog.file_states(scope).get("failed", 0),
        models=_models(services),
        figures=[
            ("Documents", f"{context['documents']:,}"),
            ("Passages", f"{sum(services.catalog.count_chunks(scope).values()):,}"),
            ("Collections", f"{len(context['collections']):,}"),
            *_disk(services),
        ],
        memory=_memory(),
        kept=_kept(services.settings),
        context=_context(services),
    )


def health_lines(parts: dict[str, Part]) -> list[HealthLine]:
    """What is wrong first."""
    lines = [
        HealthLine(PARTS[name], p.state, STATES.get(p.state, p.state), decimal_units(p.detail))
        for name, p in parts.items()
    ]
    order = (*WRONG, "loading", "fetching", "absent", "ready")
    return sorted(lines, key=lambda line: order.index(line.state) if line.state in order else 0)


def _verdict(health: Iterable[HealthLine]) -> str:
    states = [line.state for line in health]
    if failed := sum(state in WRONG for state in states):
        return f"{counted(failed, 'part')} of Docent {'does' if failed == 1 else 'do'} not work. Below is what to do."
    if "loading" in states:
        return "Docent is starting. Questions wait until everything is loaded."
    return "Docent is well."


def _kept(settings: ServerSettings) -> list[tuple[str, str]]:
    """What is deleted by itself, and when."""
    conversations, feedback = settings.keep_conversations_days, settings.keep_feedback_days
    by_hand = "Until somebody deletes them"
    return [
        ("Conversations", f"{counted(conversations, 'day')} after the last question" if conversations else by_hand),
        ("Feedback", counted(feedback, "day") if feedback else "As long as its conversation"),
        ("Deleted conversations", "An hour, in which they can be brought back"),
        ("Deleted documents", "Ten minutes, in which they can be brought back"),
    ]


def _models(services: Services) -> list[ModelLine]:
    """Those in the models folder, and the one in use where it lies elsewhere."""
    try:
        used = resolve_model(services.settings)
    except DocentError:  # the health panel says so
        used = None
    models = installed_models(services.settings)
    if used is not None and not any(_same(model.path, used) for model in models):
        models.insert(0, installed_model(used))
    return [_model(model, services, used is not None and _same(model.path, used)) for model in models]


def _model(model: InstalledModel, services: Services, used: bool) -> ModelLine:
    size = file_size(model.size)
    if model.header is None:
        return ModelLine(model.name, size, model.problem, failed=True)
    try:
        needs = needs_words(fit_here(model.header, services.settings, psutil.virtual_memory().total))
    except ModelRefused as error:
        return ModelLine(model.name, size, decimal_units(str(error)), failed=True)
    if services.settings.generator_url:
        return ModelLine(model.name, size, f"Not used: another server writes the answers. {needs}")
    if not used:
        return ModelLine(model.name, size, f"Installed. {needs} Settings can choose it.")
    state = services.generator.state if services.generator is not None else None
    if state is not None and state.state == "ready":
        return ModelLine(model.name, size, f"In use, loaded. {needs}")
    detail = decimal_units(state.detail if state is not None else services.model_failure) or "Chosen, not loaded."
    return ModelLine(model.name, size, f"{detail} {needs}", failed=bool(state is None or state.state == "failed"))


def needs_words(fit: Fit) -> str:
    """What a model takes of the memory."""
    tokens = f"{counted(fit.context, 'token')} of context"
    conversations = file_size(fit.kv_bytes + fit.offload_bytes)
    return f"Needs {file_size(fit.needs_bytes)} of memory for {tokens}, of which conversations {conversations}."


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # removed just now
        return False


def _context(services: Services) -> list[tuple[str, str]]:
    settings, generator = services.settings, services.generator
    size = generator.context if generator is not None and generator.state.state == "ready" else 0
    return [
        ("Search model", settings.embedder),
        ("Writes the answers", generator.name if generator is not None else "Nobody: answers are quotations"),
        ("Context", f"{counted(size, 'token')} in use" if size else f"{counted(settings.context, 'token')} at most"),
        ("Longest answer", counted(settings.max_answer_tokens, "token")),
        ("Longest passage", counted(settings.chunk_tokens, "token")),
        ("Largest file", f"{settings.max_file_mb:,} MB"),
    ]


def _memory() -> list[tuple[str, str]]:
    return [
        ("Used by Docent", file_size(psutil.Process().memory_info().rss)),
        ("Available", file_size(free_memory())),
        ("In this computer", file_size(psutil.virtual_memory().total)),
    ]


def _disk(services: Services) -> list[tuple[str, str]]:
    settings = services.settings
    database = [settings.knowledge_path, settings.knowledge_path.with_name(f"{settings.knowledge_path.name}-wal")]
    return [
        ("Database on disk", file_size(sum(_size(path) for path in database))),
        ("Search index on disk", _saved(_folder_size(settings.index_path))),
        ("Uploaded files", file_size(_folder_size(settings.uploads_path))),
        ("Free on this disk", file_size(shutil.disk_usage(settings.data).free)),
    ]


def _saved(size: int) -> str:
    """A server keeps its index in memory, and writes it down when nobody indexes."""
    return file_size(size) if size else "Not written yet; it is in memory"


def _folder_size(folder: Path) -> int:
    return sum(_size(path) for path in folder.rglob("*") if path.is_file())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # replaced or removed just now
        return 0
