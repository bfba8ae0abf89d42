"""A document: its text at the quoted words, and the original file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from indexer.documents.extract.document import blocks_from_json
from indexer.knowledge.tables import Document
from indexer.passages import Scope
from server.conversations.shapes import CitationPlace
from server.errors import NotFound
from server.runtime.services import ScopeDep, Services, ServicesDep
from server.views.presentation import source_name
from server.views.source_view import find_quote, grown, window
from server.web.pages.page_route import PageRoute
from server.web.pages.shell import shell
from server.web.parameters import Count, RowId
from server.web.session import OwnerDep
from server.web.templating import is_fragment, page

INLINE = {".pdf": "application/pdf", ".txt": "text/plain; charset=utf-8"}
"""What a browser may show itself; everything else is saved, because a document may hold scripts."""

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True)
class Span:
    """The words to highlight: code points [start, end) of the document's text."""

    start: int = 0
    end: int = 0


@router.get("/documents/{document_id}")
def document(
    request: Request,
    document_id: RowId,
    services: ServicesDep,
    scope: ScopeDep,
    owner: OwnerDep,
    start: Count = 0,
    end: Count = 0,
    first: Count | None = None,
    last: Count | None = None,
    part: bool = False,
) -> Response:
    """The document's text; `part` asks only for the blocks [first, last) and what leads on from them."""
    found = services.catalog.document(document_id, scope)
    if found is None:
        raise NotFound("There is no such document.", "It may have been removed since.")
    context = _source(found, Span(start, end), first, last)
    if part and is_fragment(request):
        return page(request, "_blocks.html", **context, panel=True)
    return _shown(request, services, scope, owner, context)


@router.get("/citations/{citation_id}")
def citation(request: Request, citation_id: RowId, services: ServicesDep, scope: ScopeDep, owner: OwnerDep) -> Response:
    """The cited document at the quoted words, or the copy of the words where they are not there any more."""
    place = services.conversations.citation(citation_id, owner)
    cited = place.view.citation
    if not cited.is_in(scope):
        raise NotFound("There is no such citation.", "You may not be allowed to read its document.")
    found = services.catalog.document(cited.document_id, scope)
    at = find_quote(found.text, cited.quote, cited.start) if found else None
    if found is None or at is None:
        context = _copy(place, found)
    else:
        context = _source(found, Span(at, at + len(cited.quote)), None, None) | {"place": place}
    return _shown(request, services, scope, owner, context)


@router.get("/documents/{document_id}/original")
def original(document_id: RowId, services: ServicesDep, scope: ScopeDep) -> Response:
    found = services.catalog.document(document_id, scope)
    path = _original_path(found) if found else None
    if found is None or path is None:
        raise NotFound("The original file is not there any more.", "It was moved or removed since it was indexed.")
    inline = INLINE.get(path.suffix.lower())
    response = FileResponse(
        path,
        media_type=inline or "application/octet-stream",
        filename=path.name,
        content_disposition_type="inline" if inline else "attachment",
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _shown(request: Request, services: Services, scope: Scope, owner: str, context: dict[str, Any]) -> Response:
    if is_fragment(request):
        return page(request, "_source.html", **context, panel=True)
    return page(request, "source.html", **shell(services, scope, owner), **context, panel=False)


def _source(found: Document, span: Span, first: int | None, last: int | None) -> dict[str, Any]:
    blocks = blocks_from_json(found.blocks)
    shown = window(found.text, blocks, span.start, span.end, first, last)
    before, after = grown(blocks, shown.first, shown.last)
    return {
        "document_id": found.id,
        "title": found.title,
        "path": found.path,
        "page": _page_at(blocks, span.start),
        "has_original": _original_path(found) is not None,
        "window": shown,
        "span": span,
        "before": before,
        "after": after,
        "place": None,
        "note": "",
        "quote": "",
    }


def _page_at(blocks: tuple[Any, ...], start: int) -> int | None:
    return next((block.page for block in reversed(blocks) if block.start <= start), None)


def _copy(place: CitationPlace, found: Document | None) -> dict[str, Any]:
    cited = place.view.citation
    return {
        "document_id": found.id if found else None,
        "title": source_name(cited.title, cited.page, cited.heading),
        "path": cited.document,
        "page": cited.page,
        "has_original": found is not None and _original_path(found) is not None,
        "window": None,
        "span": Span(),
        "place": place,
        "note": "This document has changed since." if found else "This document was removed since.",
        "quote": cited.quote,
    }


def _original_path(found: Document) -> Path | None:
    """The file, if it is there and, with links followed, still inside the folder that was ingested."""
    try:
        root = Path(found.root).resolve(strict=True)
        path = (root / found.path).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        return None
    return path if path.is_relative_to(root) and path.is_file() else None
