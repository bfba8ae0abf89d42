"""Where on the pages of a document its words stand."""

from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.documents.extract.boxes import Area, areas
from indexer.knowledge.tables import Document


def boxes(engine: Engine, document_id: int, start: int, end: int) -> list[Area]:
    """(page, x0, y0, x1, y1) of each line that code points `[start, end)` of the document's text stand on, in points
    from the upper left corner of the page as it is shown.

    Empty where nothing is known: the format has no pages, an older Docent read the document, or there is none. Whether
    the asker may read the document is for the caller to see to (`Catalog.document`).
    """
    with Session(engine) as session:
        kept = session.exec(select(Document.boxes).where(Document.id == document_id)).first()
    try:
        return areas(kept, start, end) if kept else []
    except ValueError:  # sent so by the reading process, which nobody trusts: the words are then shown as text alone
        return []
