"""`indexer status | verify | rebuild | remove | export`: what each prints, its one JSON document, its exit status."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, func, select, update

from indexer.commands import rebuild as rebuild_command
from indexer.documents.scan import ScannedFile
from indexer.evaluate.retrieval import _rows
from indexer.ingest import ingest
from indexer.knowledge import generations
from indexer.knowledge.catalog import Catalog
from indexer.knowledge.database import scrub
from indexer.knowledge.export import exported
from indexer.knowledge.records import write_ledger
from indexer.knowledge.tables import Chunk, Document, LedgerEntry
from indexer.knowledge.trash import purge
from indexer.rebuild import rebuild_index
from indexer.settings import IndexerSettings
from tests.indexer.commands import Run
from tests.indexer.small_knowledge import Knowledge
from tests.word_embedder import WordEmbedder

TEXTS = {
    "leave.md": ("Leave is granted.", "Ask first.\x85\u2028Then go."),
    "hr/pay.md": ("Pay comes monthly.",),
    "hr/old/rooms.md": ("Rooms are booked. Twice a day.",),
}
UNREAD = {
    "a.exe": ("skipped", "Files of type .exe are not read."),
    "b.exe": ("skipped", "Files of type .exe are not read."),
    "c.exe": ("skipped", "Files of type .exe are not read."),
    "big.pdf": ("failed", "It has 70 pages more than 12."),
    "bigger.pdf": ("failed", "It has 900 pages more than 12."),
    "scan.pdf": ("needs_ocr", "It holds no text."),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder that was ingested; none of its files is read here."""
    return tmp_path / "company"


@pytest.fixture
def filled(knowledge: Knowledge, root: Path) -> Knowledge:
    """Three documents and six files that were not read in collection docs, one document in another."""
    for path, paragraphs in TEXTS.items():
        put(knowledge, path, root, *paragraphs)
    put(knowledge, "leave.md", root.with_name("other"), "Elsewhere.", collection="other")
    with Session(knowledge.engine) as session:
        for path, (state, reason) in UNREAD.items():
            write_ledger(session, knowledge.collection("docs"), ScannedFile(root, path), state, reason, chunks=0)
        session.commit()
    return knowledge


def put(knowledge: Knowledge, path: str, root: Path, *paragraphs: str, collection: str = "docs") -> None:
    knowledge.put(path, *paragraphs, root=root, collection=collection)
    with Session(knowledge.engine) as session:
        file = ScannedFile(root, path)
        write_ledger(session, knowledge.collection(collection), file, "indexed", "", sha256="0", chunks=len(paragraphs))
        session.commit()


# Status


def test_status_groups_reasons_the_most_frequent_first(run: Run, filled: Knowledge) -> None:
    (docs, other) = run.json("status")["collections"]
    assert docs["states"] == {"indexed": 3, "skipped": 3, "failed": 2, "needs_ocr": 1}
    assert [(one["state"], one["files"], sorted(one["documents"])) for one in docs["reasons"]] == [
        ("skipped", 3, ["a.exe", "b.exe", "c.exe"]),
        ("failed", 2, ["big.pdf", "bigger.pdf"]),
        ("needs_ocr", 1, ["scan.pdf"]),
    ]
    assert (docs["documents"], docs["chunks"], other["documents"], other["reasons"]) == (3, 4, 1, [])
    shown = run("status").stdout
    assert "skipped   3 files: Files of type .exe are not read." in shown
    assert "needs_ocr docs/scan.pdf: It holds no text." in shown
    assert "a.exe" not in shown
    assert "--files" in shown
    assert "failed    2 files, one of them big.pdf: It has 70 pages" in shown, "it is true of one of them"
    named = run("status", "--files").stdout
    assert all(f"docs/{path}" in named for path in UNREAD)
    assert "docs/bigger.pdf: It has 900 pages" in named


def test_status_of_one_collection(run: Run, filled: Knowledge) -> None:
    assert [one["name"] for one in run.json("status", "--collection", "other")["collections"]] == ["other"]
    assert "There is no collection 'nowhere'" in run("status", "--collection", "nowhere", status=2).stderr


def test_status_tells_what_an_older_reader_has_read(run: Run, filled: Knowledge) -> None:
    assert run.json("status")["collections"][0]["read_by_older"] == 0
    with Session(filled.engine) as session:
        session.exec(update(LedgerEntry).where(col(LedgerEntry.path).startswith("hr/")).values(reader=0))
        session.commit()
    assert [one["read_by_older"] for one in run.json("status")["collections"]] == [2, 0]
    assert "2 documents were read by an older reader" in run("status").stdout


def test_status_tells_how_much_room_it_takes(run: Run, filled: Knowledge, settings: IndexerSettings) -> None:
    (settings.uploads_path / "docs").mkdir(parents=True)
    (settings.uploads_path / "docs" / "a.txt").write_bytes(b"x" * 1234)
    room = run.json("status")["bytes"]
    assert room["uploads"] == 1234
    assert room["database"] > 10_000


# Reading again


def test_what_an_older_reader_has_read_is_read_again(
    run: Run, tmp_path: Path, settings: IndexerSettings, engine: Engine
) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    for name in ("same", "better", "unread"):
        (folder / f"{name}.md").write_text(f"# About {name}\n\nEverything about {name}.")
    ingest([folder], settings, engine, WordEmbedder)  # type: ignore[arg-type]
    with Session(engine) as session:
        chunks = dict(session.exec(select(Document.path, Chunk.id).join(Chunk)).all())
        session.exec(update(LedgerEntry).values(reader=0))
        session.exec(update(Document).where(col(Document.path) == "better.md").values(text="As it was read before."))
        unread = session.exec(select(LedgerEntry).where(LedgerEntry.path == "unread.md")).one()
        unread.state, unread.reason = "needs_ocr", "It holds no text."
        session.commit()
    report = ingest([folder], settings, engine, WordEmbedder)  # type: ignore[arg-type]
    assert {file.document: file.state for file in report.files} == {
        "same.md": "unchanged", "better.md": "indexed", "unread.md": "indexed",
    }  # fmt: skip
    with Session(engine) as session:
        assert {entry.reader for entry in session.exec(select(LedgerEntry))} == {1}
        after = dict(session.exec(select(Document.path, Chunk.id).join(Chunk)).all())
        assert after["same.md"] == chunks["same.md"], "its vectors need not be made again"
        assert after["better.md"] != chunks["better.md"]
        assert "Everything" in session.exec(select(Document.text).where(Document.path == "better.md")).one()
    assert ingest([folder], settings, engine, WordEmbedder).counts["unchanged"] == 3  # type: ignore[arg-type]
    assert run("verify").stdout == "Every chunk and index agrees with the documents.\n"


# Verify


def test_verify_prints_one_json_document(run: Run, filled: Knowledge, engine: Engine) -> None:
    assert run.json("verify") == {"problems": [], "documents": 4, "passages": 5, "sentences": 7, "entries": 0}
    with Session(engine) as session:
        session.exec(update(Chunk).where(col(Chunk.id) == 1).values(body="Other words."))
        session.commit()
    (problem,) = run.json("verify", status=1)["problems"]
    assert "is not the words of the document there" in problem


# Rebuild


class Ended(Exception):  # noqa: N818
    """As a kill."""


def test_rebuild_goes_on_and_is_discarded(
    run: Run, filled: Knowledge, settings: IndexerSettings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = settings.model_copy(update={"chunk_tokens": 64})
    monkeypatch.setattr(generations, "switch", raising)
    for _ in range(2):
        with pytest.raises(Ended):
            rebuild_index(other, engine, WordEmbedder())  # type: ignore[arg-type]
        under_way = run.json("status")["rebuild"]
        assert (under_way["phase"], under_way["documents"], under_way["of"]) == ("making", 4, 4)
        assert under_way["chunk_tokens"] == "64"
        assert "A rebuild for all-MiniLM-L6-v2, passages of 64 tokens has 4 of 4" in run("status").stdout
        assert run.json("verify")["passages"] == 10 - 1, "two paragraphs of leave.md fit one passage"
        assert run.json("rebuild", "--discard") == {"discarded": True}
        assert run.json("status")["rebuild"] is None
    assert "No rebuild is under way." in run("rebuild", "--discard").stderr
    with Session(engine) as session:
        assert session.exec(select(func.count(col(Chunk.id)))).one() == 5


def raising(*_arguments: object) -> None:
    raise Ended


def test_rebuild_reports_what_it_did(run: Run, filled: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild_command, "SentenceTransformerEmbedder", lambda _settings: WordEmbedder())
    report = run.json("rebuild")
    assert {name: report[name] for name in ("documents", "chunks", "resumed", "switched")} == {
        "documents": 4, "chunks": 4, "resumed": 0, "switched": True,
    }  # fmt: skip
    assert "Rebuilt 4 passages of 4 documents" in run("rebuild").stderr
    assert run.json("verify")["problems"] == []


# Remove


def documents(engine: Engine) -> set[str]:
    """Those that a search may find."""
    with Session(engine) as session:
        return set(session.exec(select(Document.path).where(col(Document.deleted_at).is_(None))))


@pytest.mark.parametrize("named", ["hr", "hr/", "./hr", "{root}/hr", "company/hr", "../{data}/company/hr"])
def test_remove_a_folder(run: Run, filled: Knowledge, engine: Engine, root: Path, named: str) -> None:
    named = named.format(root=root, data=root.parent.name)
    report = run.json("remove", named)
    assert report["removed"] == [
        {"collection": "docs", "document": "hr/old/rooms.md"}, {"collection": "docs", "document": "hr/pay.md"},
    ]  # fmt: skip
    assert (report["already_removed"], report["not_found"]) == ([], [])
    assert documents(engine) == {"leave.md"}
    again = run.json("remove", named)
    assert len(again["already_removed"]) == 2
    assert again["removed"] == []
    assert run("verify")


def test_remove_says_what_it_did_and_what_it_did_not_find(run: Run, filled: Knowledge, engine: Engine) -> None:
    result = run("remove", "hr/pay.md", "hr/pa", "h", "hr/pay.md/x", "scan.pdf", status=1)
    assert "removed   docs/hr/pay.md" in result.stderr
    assert "removed   docs/scan.pdf" in result.stderr
    assert [line.split()[2] for line in result.stderr.splitlines() if line.startswith("not found")] == [
        "hr/pa:", "h:", "hr/pay.md/x:",
    ]  # fmt: skip
    assert "For 10 minutes the documents page can bring them back." in result.stderr
    assert documents(engine) == {"leave.md", "hr/old/rooms.md"}
    assert run.json("remove", "nothing", status=1)["not_found"] == ["nothing"]
    assert "`indexer export` has the path of each" in result.stderr
    assert {"leave.md", "hr/old/rooms.md"} <= {line["document"] for line in lines(run("export").stdout)}


def test_remove_takes_no_file_that_was_not_meant(run: Run, filled: Knowledge, engine: Engine, root: Path) -> None:
    result = run("remove", "hr/pay.md", "leave.md", status=2)
    assert "may be one of several" in result.stderr
    assert "Nothing was removed." in result.stderr
    assert len(documents(engine)) == 3
    report = run.json("remove", "leave.md", "--collection", "other")
    assert report["removed"] == [{"collection": "other", "document": "leave.md"}]
    assert run.json("remove", str(root / "leave.md"))["removed"] == [{"collection": "docs", "document": "leave.md"}]
    for nothing in ([], ["--all"], ["x", "--all", "--collection", "docs"], ["x", "--collection", "nowhere"]):
        run("remove", *nothing, status=2)


def test_remove_of_an_empty_path_removes_nothing(
    run: Run, filled: Knowledge, engine: Engine, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a script calls it in which a variable is not set."""
    root.mkdir()
    monkeypatch.chdir(root)
    assert run.json("remove", "", status=1) == {"removed": [], "already_removed": [], "not_found": [""]}
    assert "not found '': no file" in run("remove", "", status=1).stderr
    assert len(documents(engine)) == 3
    assert len(run.json("remove", ".")["removed"]) == len(TEXTS) + len(UNREAD)


def test_remove_of_a_name_that_only_begins_like_a_home(run: Run, filled: Knowledge, root: Path) -> None:
    with Session(filled.engine) as session:
        write_ledger(session, filled.collection("docs"), ScannedFile(root, "~$plan.docx"), "skipped", "lock file")
        session.commit()
    assert run.json("remove", "~$plan.docx")["removed"] == [{"collection": "docs", "document": "~$plan.docx"}]
    assert run.json("remove", "~nobody-here/x", status=1)["not_found"] == ["~nobody-here/x"]


def test_what_was_removed_is_left_alone_by_an_ingest_and_a_collection_is_not(
    run: Run, tmp_path: Path, settings: IndexerSettings, engine: Engine
) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / f"{name}.md").write_text(f"Everything about {name}.")

    def again() -> dict[str, str]:
        report = ingest([folder], settings, engine, WordEmbedder)  # type: ignore[arg-type]
        return {file.document: file.state for file in report.files}

    again()
    run("remove", str(folder / "one.md"))
    assert again() == {"one.md": "skipped", "two.md": "unchanged"}
    assert len(run.json("remove", "--all", "--collection", "papers")["removed"]) == 1
    assert documents(engine) == set()
    assert again() == {"one.md": "indexed", "two.md": "indexed"}
    run("remove", "--all", "--collection", "papers", "--for-good")
    with Session(engine) as session:
        assert session.exec(select(LedgerEntry)).all() == []
        assert session.exec(select(Document)).all() == []
    assert again() == {"one.md": "indexed", "two.md": "indexed"}
    run("remove", str(folder), "--for-good")
    with Session(engine) as session:
        assert session.exec(select(Document)).all() == []
    assert again() == {"one.md": "skipped", "two.md": "skipped"}
    assert purge(settings, engine) == 0


# Export


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.split("\n") if line]


def test_export_is_every_file_as_a_line(run: Run, filled: Knowledge, engine: Engine, root: Path) -> None:
    run("remove", "hr/pay.md")
    result = run("export")
    assert not set(result.stdout) & set("\x85\u2028"), "some readers take them for the end of a line"
    found = lines(result.stdout)
    assert [(one["collection"], one["document"]) for one in found] == [
        *(("docs", path) for path in sorted({*UNREAD, *TEXTS} - {"hr/pay.md"})), ("other", "leave.md"),
    ]  # fmt: skip
    by_path = {one["document"]: one for one in found if one["collection"] == "docs"}
    assert by_path["leave.md"]["text"] == "\n\n".join(TEXTS["leave.md"])
    assert by_path["leave.md"]["root"] == str(root)
    assert by_path["scan.pdf"]["text"] is None
    assert (by_path["scan.pdf"]["state"], by_path["scan.pdf"]["reason"]) == UNREAD["scan.pdf"]
    assert "chunks" not in by_path["leave.md"]
    assert "Exported 9 files, 3 of them with text." in result.stderr


def test_passages_of_an_export_are_places_in_its_text(run: Run, filled: Knowledge, engine: Engine) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generations, "switch", raising)
        with pytest.raises(Ended):
            rebuild_index(filled.settings, engine, WordEmbedder())  # type: ignore[arg-type]
    (rooms,) = [
        one for one in lines(run("export", "--chunks").stdout) if one["document"] == "hr/old/rooms.md"
    ]  # fmt: skip
    (chunk,) = rooms["chunks"]
    assert rooms["text"][chunk["start"] : chunk["end"]] == "Rooms are booked. Twice a day."
    assert [rooms["text"][start:end] for start, end in chunk["sentences"]] == ["Rooms are booked.", "Twice a day."]


def test_an_export_of_a_collection_is_a_corpus(run: Run, filled: Knowledge, tmp_path: Path) -> None:
    """The round trip: `indexer evaluate` takes the lines that have a text."""
    output = run("export", "--collection", "other").stdout
    (tmp_path / "corpus.jsonl").write_text(output, encoding="utf-8")
    (row,) = _rows(tmp_path / "corpus.jsonl")
    assert (row["id"], row["title"], row["text"]) == ("leave.md", "leave.md", "Elsewhere.")
    assert "There is no collection 'nowhere'" in run("export", "--collection", "nowhere", status=2).stderr


def test_an_export_reads_a_document_at_a_time(filled: Knowledge, engine: Engine) -> None:
    stream = exported(engine, Catalog(engine).everything(), with_chunks=True)
    assert next(stream)["document"] == "a.exe"
    with Session(engine) as session:
        session.exec(update(Document).where(col(Document.path) == "leave.md").values(title="New"))
        session.commit()
    assert scrub(engine), "nobody reads"
    assert {one["title"] for one in stream if one["document"] == "leave.md"} == {"New"}
