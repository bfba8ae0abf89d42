"""A document: its pages or its text at the quoted words, and the original file."""

from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from indexer.documents.extract.document import blocks_from_json
from indexer.documents.extract.formats import is_pdf, is_sheet
from indexer.knowledge.tables import Document
from indexer.passages import Scope
from server.conversations.shapes import CitationPlace
from server.errors import NotFound
from server.library.originals import original_path
from server.runtime.services import ScopeDep, Services, ServicesDep
from server.views.presentation import source_name
from server.views.source_view import find_quote, grown, window
from server.web.pages.page_route import PageRoute
from server.web.pages.sheets import Pages, pages
from server.web.pages.shell import shell
from server.web.parameters import Count, MaybeRow, RowId
from server.web.session import OwnerDep
from server.web.templating import is_fragment
from server.web.templating import page as render

INLINE = {".pdf": "application/pdf", ".txt": "text/plain; charset=utf-8"}
"""What a browser may show itself; everything else is saved, because a document may hold scripts."""

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True)
class Span:
    """The words to highlight: code points [start, end) of the document's text."""

    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class Asked:
    """How a document shall be shown: as text, or as its pages where it has any; which page, which blocks."""

    text: bool = False
    page: int | None = None
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True)
class Links:
    """Where the source view leads: the same words as text and on their page, and the pages before and after."""

    text: str
    page: str
    before: str = ""
    after: str = ""
    kept: str = ""  # what the addresses of other citations end in, for the same view


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
    text: bool = False,
    page: MaybeRow = None,
) -> Response:
    """The document's pages or text; `part` asks only for blocks [first, last) of the text and what leads on."""
    found = services.catalog.document(document_id, scope)
    if found is None:
        raise NotFound("There is no such document.", "It may have been removed since.")
    span, asked = Span(start, end), Asked(text or first is not None, page, first, last)
    if part and is_fragment(request):
        return render(request, "_blocks.html", **_text(found, span, asked), panel=True)
    address = f"/documents/{found.id}" + (f"?start={start}&end={end}" if start < end else "")
    return _shown(request, services, scope, owner, _source(services, found, span, asked, address))


@router.get("/citations/{citation_id}")
def citation(
    request: Request,
    citation_id: RowId,
    services: ServicesDep,
    scope: ScopeDep,
    owner: OwnerDep,
    text: bool = False,
    page: MaybeRow = None,
) -> Response:
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
        span, asked = Span(at, at + len(cited.quote)), Asked(text, page)
        context = _source(services, found, span, asked, f"/citations/{citation_id}") | {"place": place}
    return _shown(request, services, scope, owner, context)


@router.get("/documents/{document_id}/original")
def original(document_id: RowId, services: ServicesDep, scope: ScopeDep) -> Response:
    found = services.catalog.document(document_id, scope)
    path = original_path(found) if found else None
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
        return render(request, "_source.html", **context, panel=True)
    return render(request, "source.html", **shell(services, scope, owner), **context, panel=False)


def _source(services: Services, found: Document, span: Span, asked: Asked, address: str) -> dict[str, Any]:
    """`address` leads to the same words."""
    at = _page_at(blocks_from_json(found.blocks), span.start)
    shown = None if asked.text else pages(services, found, span.start, span.end, at or 1, asked.page)
    is_page = shown is not None and bool(shown.sheets)
    return ({"document_id": found.id, "window": None} if is_page else _text(found, span, asked)) | {
        "title": found.title,
        "path": found.path,
        "page": shown.sheets[0].number if shown and is_page else at,
        "has_original": original_path(found) is not None,
        "has_pages": is_pdf(PurePosixPath(found.path)),
        "pages": shown or Pages(),
        "links": _links(address, "#quote" if span.start < span.end else "", shown or Pages(), asked.text),
        "place": None,
        "note": "",
        "quote": "",
    }


def _text(found: Document, span: Span, asked: Asked) -> dict[str, Any]:
    blocks = blocks_from_json(found.blocks)
    shown = window(found.text, blocks, span.start, span.end, asked.first, asked.last)
    before, after = grown(blocks, shown.first, shown.last)
    return {
        "document_id": found.id,
        "is_grid": is_sheet(PurePosixPath(found.path)),
        "window": shown,
        "span": span,
        "before": before,
        "after": after,
    }


def _links(address: str, anchor: str, shown: Pages, is_text: bool) -> Links:
    more = f"{address}{'&' if '?' in address else '?'}"
    links = Links(f"{more}text=1{anchor}", f"{address}{anchor}", kept="?text=1" if is_text else "")
    if not shown.sheets:
        return links
    before, after = shown.sheets[0].number - 1, shown.sheets[-1].number + 1
    return replace(
        links,
        before=f"{more}page={before}" if before else "",
        after=f"{more}page={after}" if after <= shown.total else "",
    )


def _page_at(blocks: tuple[Any, ...], start: int) -> int | None:
    return next((block.page for block in reversed(blocks) if block.start <= start), None)


def _copy(place: CitationPlace, found: Document | None) -> dict[str, Any]:
    cited = place.view.citation
    return {
        "document_id": found.id if found else None,
        "title": source_name(cited.title, cited.page, cited.heading),
        "path": cited.document,
        "page": cited.page,
        "has_original": found is not None and original_path(found) is not None,
        "has_pages": False,
        "pages": Pages(),
        "links": Links("", f"/citations/{place.view.id}#quote"),
        "window": None,
        "place": place,
        "note": "This document has changed since." if found else "This document was removed since.",
        "quote": cited.quote,
    }
