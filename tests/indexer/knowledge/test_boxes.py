"""Boxes of a document's words: stored with it, and looked up by its text's code points."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, update
from sqlmodel import Session, col, select

from indexer.documents.chunk import chunk_document
from indexer.documents.extract.formats import extract_bytes
from indexer.documents.scan import ScannedFile
from indexer.documents.wire import document_to_message, read_message
from indexer.knowledge.boxes import boxes
from indexer.knowledge.records import put_document
from indexer.knowledge.tables import Document
from tests.indexer.documents.extract.pdf.pdfs import BODY, drawn
from tests.indexer.small_knowledge import Knowledge

LINES = ["The porter keeps the keys.", "The yard is closed at ten."]


@pytest.fixture
def document(knowledge: Knowledge, engine: Engine) -> tuple[int, str]:
    """(id, text) of a PDF with one line on each of two pages, read, sent, cut and stored."""
    data = drawn([[(72, 720, BODY, 11, line)] for line in LINES])
    extracted = extract_bytes(data, "keys.pdf")
    drafts = chunk_document(extracted, lambda text: [(at, at + 1) for at in range(len(text))], 1000)
    sent = read_message(json.loads(json.dumps(document_to_message(extracted, drafts)))).document
    collection = knowledge.collection("docs")
    with Session(engine) as session:
        put_document(session, collection, ScannedFile(Path("/r"), "keys.pdf"), "0", sent, [], [])
        session.commit()
        return session.exec(select(Document.id)).one() or 0, extracted.text


def test_quoted_words_have_a_box_on_each_line(engine: Engine, document: tuple[int, str]) -> None:
    id_, text = document
    start = text.index("keys")
    found = boxes(engine, id_, start, text.index("yard") + len("yard"))
    assert [page for page, *_ in found] == [1, 2]
    _, x0, y0, x1, y1 = found[0]
    assert 72 < x0 < x1 < 300
    assert y0 < 792 - 720 < y1  # the baseline, from the top of the page
    assert found[1][1] == 72
    assert boxes(engine, id_, len(text), len(text) + 5) == []


def test_nothing_is_known_of_what_has_no_pages_was_read_before_or_is_damaged(
    knowledge: Knowledge, engine: Engine, document: tuple[int, str]
) -> None:
    assert boxes(engine, knowledge.put("a.md", "No pages here."), 0, 5) == []
    assert boxes(engine, 999, 0, 5) == []
    for kept in (None, b"\x05\x03abc"):
        with Session(engine) as session:
            session.execute(update(Document).where(col(Document.id) == document[0]).values(boxes=kept))
            session.commit()
        assert boxes(engine, document[0], 0, 5) == []
