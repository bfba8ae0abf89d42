"""The pages of a PDF as they look: their pictures, and what the source view shows of them."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from fastapi import APIRouter, Request, Response

from indexer.documents.drawing import NoDrawing, NoSuchPage, NotDrawn
from indexer.documents.extract.formats import is_pdf
from indexer.knowledge.boxes import boxes
from indexer.knowledge.tables import Document, known_id
from server.errors import NotFound, Unavailable
from server.library.originals import original_path
from server.runtime.services import ScopeDep, Services, ServicesDep
from server.views.page_view import SMALLEST, Sheet, fitting, pages_of, sheet
from server.web.pages.page_route import PageRoute
from server.web.parameters import Count, RowId

MOST_QUOTED = 20_000  # characters of which it is asked where they stand
NO_FILE = "The file is not there any more."

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True)
class Pages:
    """The pages that are shown, of so many, or why none is."""

    sheets: tuple[Sheet, ...] = ()
    total: int = 0
    quoted: tuple[int, ...] = ()  # the pages that the quoted words are on, as far as that is known
    has_words: bool = False  # some are quoted
    problem: str = ""

    @property
    def is_elsewhere(self) -> bool:
        """Whether the quoted words are on other pages."""
        return bool(self.quoted) and not any(one.number in self.quoted for one in self.sheets)

    @property
    def is_unmarked(self) -> bool:
        """Whether nobody knows where on its page the quoted words stand."""
        return self.has_words and not self.quoted


@router.get("/documents/{document_id}/pages/{number}")
def picture(
    request: Request,
    document_id: RowId,
    number: RowId,
    services: ServicesDep,
    scope: ScopeDep,
    width: Count = SMALLEST,
) -> Response:
    """A page as a PNG, in the smallest of a few widths that is no smaller than `width`.

    A browser keeps it, and asks each time whether it may still show it.
    """
    found = services.catalog.document(document_id, scope)
    path = original_path(found) if found and is_pdf(PurePosixPath(found.path)) else None
    if found is None or path is None:
        raise NotFound("There is no such page.", "Its file may have been moved or removed since.")
    tag = f'"{found.sha256}-{number}-{fitting(width)}"'
    headers = {"Cache-Control": "private, no-cache", "ETag": tag}
    if tag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    try:
        shown = services.pictures.picture(path, found.sha256, number, fitting(width))
    except NoDrawing as error:
        raise Unavailable(error.what, "Try again in a moment.") from error
    except NotDrawn as error:
        raise NotFound(error.what, "Its text can be read all the same.") from error
    return Response(shown.png, media_type="image/png", headers=headers)


def pages(services: Services, found: Document, start: int, end: int, at: int, asked: int | None) -> Pages | None:
    """Page `asked` of a document, or else those that its code points `[start, end)` stand on, or else page `at`.

    None of a document that is no PDF. Raises NotFound where it has no page `asked`.
    """
    if not is_pdf(PurePosixPath(found.path)):
        return None
    path = original_path(found)
    if path is None:
        return Pages(problem=NO_FILE)
    end = min(end, start + MOST_QUOTED)
    areas = boxes(services.catalog.engine, known_id(found), start, end) if start < end else []
    quoted = pages_of(areas)
    sheets, total = [], 0
    for number in [asked] if asked else quoted or [at]:
        try:
            shown = services.pictures.picture(path, found.sha256, number, SMALLEST)
        except NotDrawn as error:
            if asked and isinstance(error, NoSuchPage):
                raise NotFound(error.what) from error
            return Pages(problem=error.what)
        total = shown.pages
        sheets.append(sheet(known_id(found), number, (shown.width, shown.height), areas, areas[0] if areas else None))
    return Pages(tuple(sheets), total, tuple(quoted), start < end)
