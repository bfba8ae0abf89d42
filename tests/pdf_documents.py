"""PDF documents of a site: files that were read as an ingest reads them, without embedding anything."""

import hashlib
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from benchmarks.extraction.raw_pdf import Page as RawPage
from benchmarks.extraction.raw_pdf import at, box, pdf
from indexer.documents.extract.formats import extract_bytes
from indexer.documents.scan import ScannedFile
from indexer.knowledge.records import find_document, put_document
from indexer.knowledge.tables import Collection, LedgerEntry, known_id
from tests.indexer.documents.extract.pdf.pdfs import drawn, paragraph

NOTICE = (
    "The night shift begins at ten in the evening and ends at six in the morning when the porter comes back from his "
    "round with every key of the north gate."
)
RULE = "Every employee has 25 days of paid leave a year."
HUNDRED_METRES = 283_465  # points


def handbook(pages: int = 3) -> bytes:
    """Pages of Letter, each with the same rule under its own heading; the first also has a notice of two lines."""
    return drawn(
        [
            [
                (72, 720, "Helvetica-Bold", 18, f"Chapter {number}"),
                *paragraph(f"{RULE} This is chapter {number}.", y=690),
                *(paragraph(NOTICE, y=600) if number == 1 else []),
            ]
            for number in range(1, pages + 1)
        ]
    )


def wide() -> bytes:
    """One page, a hundred metres wide."""
    return pdf([RawPage(at(72, 700, RULE), box((HUNDRED_METRES, 842)))])


def add_file(engine: Engine, root: Path, name: str, data: bytes, collection_id: int = 1) -> int:
    """The document of a file that is written to `root`. Returns its id."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(data)
    found = extract_bytes(data, name)
    sha256 = hashlib.sha256(data).hexdigest()
    place = {"collection_id": collection_id, "root": str(root), "path": name, "sha256": sha256, "pages": found.pages}
    with Session(engine) as session:
        if session.get(Collection, collection_id) is None:
            session.add(Collection(id=collection_id, name="handbook"))
            session.flush()
        put_document(session, collection_id, ScannedFile(root, name), sha256, found, [], [])
        session.add(LedgerEntry(**place, state="indexed", chunks=1))
        session.commit()
        document = find_document(session, collection_id, str(root), name)
        assert document is not None
        return known_id(document)
