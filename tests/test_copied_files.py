"""Files as companies copy them: in several folders, as Word file and PDF, under another title, with another date."""

from collections.abc import Callable, Iterator
from pathlib import Path

import docx
import pytest
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate
from sqlmodel import Session, delete, select

from indexer.ingest import ingest
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import Document, Signature, SignatureBand
from indexer.passages import Retrieved
from indexer.search.retrieve import Retriever
from indexer.search.store import Store
from indexer.settings import IndexerSettings
from tests.word_embedder import WordEmbedder

QUESTION = "When does the north gate open and who holds its key?"
OPENS = "The north gate opens at 6:15 and closes at 21:45 on working days."
HOLDS = "Marit Solberg holds the key of the north gate."
COPIES = range(1, 10)


def plain(folder: Path) -> None:
    for number in COPIES:
        (folder / f"gate-rules-copy-{number}.md").write_text(f"# Gate rules\n\n{OPENS}\n")


def in_folders(folder: Path) -> None:
    for number in COPIES:
        (folder / str(number)).mkdir()
        (folder / str(number) / "gate.txt").write_text(OPENS)


def named_by_their_files(folder: Path) -> None:
    for number in COPIES:
        (folder / f"scan {number:03}.txt").write_text(OPENS)


def titled_as_copies(folder: Path) -> None:
    for number in COPIES:
        title = ("Gate rules v%d", "Gate rules (copy %d)", "Copy %d of gate rules")[number % 3] % number
        (folder / f"{number}.md").write_text(f"# {title}\n\n{OPENS}\n")


def titled_otherwise(folder: Path) -> None:
    for number, title in enumerate(("Gate rules", "Rules for the gate", "How the gate is opened", "At the gate") * 2):
        (folder / f"{number}.html").write_text(f"<title>{title}</title><p>{OPENS}</p>")


def dated(folder: Path) -> None:
    for number in COPIES:
        text = f"# Gate rules\n\nLast updated: {number} March 202{number % 4}\n\n{OPENS}\n"
        (folder / f"gate-rules-{number}.md").write_text(text)


def as_word_file_and_pdf(folder: Path) -> None:
    for number in range(1, 6):
        word = docx.Document()
        word.add_paragraph(OPENS)
        word.save(str(folder / f"gate{number}.docx"))
        style = getSampleStyleSheet()["BodyText"]
        SimpleDocTemplate(str(folder / f"gate{number}.pdf")).build([Paragraph(OPENS, style)])


Copied = Callable[[Path], None]
KINDS = (plain, in_folders, named_by_their_files, titled_as_copies, titled_otherwise, dated, as_word_file_and_pdf)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "copied"
    folder.mkdir()
    (folder / "keys.md").write_text(f"# Key holders\n\n{HOLDS}\n")
    return folder


@pytest.fixture
def searched(
    folder: Path, settings: IndexerSettings, embedder: WordEmbedder
) -> Iterator[Callable[[Copied], tuple[Retrieved, int]]]:
    engine = open_knowledge(settings)

    def searched(copied: Copied) -> tuple[Retrieved, int]:
        """What is found, and how many documents there are."""
        copied(folder)
        report = ingest([folder], settings, engine, lambda: embedder)  # type: ignore[arg-type, return-value]
        store = Store(engine, settings.index_path)
        store.follow()
        retriever = Retriever(engine, embedder, store, settings)  # type: ignore[arg-type]
        return retriever.retrieve(QUESTION, (), Catalog(engine).everything()), report.counts["indexed"]

    yield searched
    engine.dispose()


@pytest.mark.parametrize("copied", KINDS, ids=lambda copied: copied.__name__)
def test_copies_do_not_fill_an_answer(copied: Copied, searched: Callable[[Copied], tuple[Retrieved, int]]) -> None:
    found, documents = searched(copied)
    assert len(found.passages) == 2, [passage.document for passage in found.passages]
    assert sum(OPENS in passage.text for passage in found.passages) == 1
    said = [sentence.text for passage in found.passages for sentence in passage.sentences]
    assert (said.count(OPENS), said.count(HOLDS)) == (1, 1)
    [opens] = [passage for passage in found.passages if OPENS in passage.text]
    places = {(passage.root, passage.document) for passage in (opens, *opens.also_in)}
    assert len(places) == documents - 1, "every place is named"
    for passage in found.wide:
        assert OPENS not in passage.text or passage.also_in == opens.also_in


def test_what_an_older_version_left_is_told_of_after_the_next_run(
    folder: Path, settings: IndexerSettings, embedder: WordEmbedder
) -> None:
    in_folders(folder)
    engine = open_knowledge(settings)
    catalog = Catalog(engine)
    ingest([folder], settings, engine, lambda: embedder)  # type: ignore[arg-type, return-value]
    with Session(engine) as session:
        session.exec(delete(Signature))
        session.exec(delete(SignatureBand))
        session.commit()
        ids = [id_ for id_ in session.exec(select(Document.id)) if id_ is not None]
    assert catalog.alike(ids, catalog.everything()) == {}
    ingest([folder], settings, engine, lambda: embedder)  # type: ignore[arg-type, return-value]
    assert len(catalog.alike(ids, catalog.everything())) == len(COPIES)
    [group] = catalog.same_groups(catalog.everything())
    assert [one.path for one in group] == [f"{number}/gate.txt" for number in COPIES]
    engine.dispose()
