"""One run of the real command over a folder of hostile files: it ends, and its ledger is true of every one."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from indexer.documents.extract.formats import FORMATS
from indexer.knowledge.database import open_knowledge
from indexer.knowledge.tables import Document, LedgerEntry
from indexer.settings import IndexerSettings
from indexer.verify import verify_index
from tests.indexer.documents.extract.invariants import check_characters
from tests.indexer.documents.extract.shapes import IN_LIBRARIES, SHAPES
from tests.indexer.hostile.markup_cases import MARKUP
from tests.indexer.hostile.name_cases import NAME, ODDITIES, write_oddities
from tests.indexer.hostile.package_cases import PACKAGE
from tests.indexer.hostile.pdf_cases import PDF
from tests.indexer.hostile.sheet_cases import SHEET
from tests.indexer.hostile.slide_cases import SLIDE
from tests.indexer.hostile.text_cases import TEXT
from tests.indexer.hostile.word_cases import WORD

ROOT = Path(__file__).parents[3]
CASES = (*NAME, *PDF, *PACKAGE, *WORD, *SHEET, *SLIDE, *MARKUP, *TEXT)
MEMORY_MB = 512
SECONDS = 300  # that one file may take; the slowest here need 3 where the machine does nothing else
LONGEST_REASON = 700
MOST_TEXT = 1_500_000  # characters: the largest cells here have a megabyte, and nothing is read a second time

COMMAND = """
import resource, sys
from indexer import cli
from indexer.commands import ingest
from tests.word_embedder import WordEmbedder

class Embedder(WordEmbedder):
    def __init__(self, settings):
        pass

ingest.SparingEmbedder = Embedder
ingest.SAVE_AND_CALIBRATE = lambda *_: None
sys.argv = ["indexer", "ingest", sys.argv[1], "--json"]
try:
    cli.main()
finally:
    print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10, file=sys.stderr)
"""
"""The command with an embedder that counts words; it says how much memory the largest process that it started had, in
megabytes."""


@dataclass(frozen=True)
class Ran:
    folder: Path
    settings: IndexerSettings
    status: int
    report: dict[str, Any]
    said: str

    @property
    def files(self) -> dict[str, dict[str, Any]]:
        return {file["document"]: file for file in self.report["files"]}


def run_over(folder: Path, data: Path, **limits: object) -> Ran:
    """One run of `indexer ingest --json` with these settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DOCENT_")}
    set_here = {f"DOCENT_{name.upper()}": str(value) for name, value in limits.items()}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COMMAND, str(folder)],
        cwd=ROOT,
        env={**clean, **set_here, "DOCENT_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return Ran(folder, IndexerSettings(data=data), done.returncode, json.loads(done.stdout), done.stderr)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    home = tmp_path_factory.mktemp("hostile")
    folder = home / "files"
    folder.mkdir()
    for case in CASES:
        (folder / case.name).write_bytes(case.make())
    write_oddities(folder)
    return run_over(folder, home / "data", extract_seconds=SECONDS, extract_memory_mb=MEMORY_MB)


@pytest.fixture(scope="module")
def engine(ran: Ran) -> Any:
    engine = open_knowledge(ran.settings)
    yield engine
    engine.dispose()


def test_there_are_enough_of_them_and_every_format_is_attacked() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) >= 100
    endings = {Path(name).suffix.lower() for name in names}
    readers = {FORMATS[ending].reader for ending in endings & set(FORMATS)}
    assert readers == {one.reader for one in FORMATS.values()}
    assert len({case.attack for case in CASES}) >= 100


def test_the_run_ends_and_says_that_files_failed(ran: Ran) -> None:
    assert ran.status == 1
    assert "Traceback" not in ran.said
    assert ran.report["failed"] == sum(case.state == "failed" for case in CASES)


def test_every_file_is_in_the_ledger_once(ran: Ran, engine: Engine) -> None:
    expected = {case.name for case in CASES} | {oddity.name for oddity in ODDITIES}
    assert {file["document"] for file in ran.report["files"]} == expected
    assert len(ran.report["files"]) == len(expected)
    with Session(engine) as session:
        assert {entry.path: entry.state for entry in session.exec(select(LedgerEntry))} == {
            name: file["state"] for name, file in ran.files.items()
        }


def test_every_file_ends_as_it_should_with_a_true_reason(ran: Ran) -> None:
    wrong = []
    for case in (*CASES, *ODDITIES):
        file = ran.files[case.name]
        if file["state"] != case.state or not re.fullmatch(case.reason, file["reason"], re.DOTALL):
            wrong.append(f"{case.name}: {file['state']}: {file['reason']}")
    assert wrong == []


def test_what_is_readable_was_read(ran: Ran, engine: Engine) -> None:
    with Session(engine) as session:
        texts = {document.path: document.text for document in session.exec(select(Document))}
    assert texts.keys() == {name for name, file in ran.files.items() if file["state"] == "indexed"}
    assert [case.name for case in CASES if case.state == "indexed" and case.holds not in texts[case.name]] == []
    assert "Secret words." not in texts.values()
    for text in texts.values():
        check_characters(text)
        assert len(text) < MOST_TEXT
    assert verify_index(ran.settings, engine) == []


def test_the_next_run_finds_the_same(ran: Ran) -> None:
    """Only what failed for damage is read again."""
    again = run_over(ran.folder, ran.settings.data, extract_seconds=SECONDS, extract_memory_mb=MEMORY_MB)
    assert (again.report["indexed"], again.report["unchanged"]) == (0, ran.report["indexed"])
    ended = {
        name: (file["state"].replace("unchanged", "indexed"), file["reason"]) for name, file in again.files.items()
    }
    assert ended == {name: (file["state"], file["reason"]) for name, file in ran.files.items()}


def test_what_does_not_end_in_a_library_is_ended_at_the_limit(tmp_path: Path) -> None:
    """Loops in PDFium and libxml2, which no signal of Python's ends."""
    folder = tmp_path / "files"
    folder.mkdir()
    for kind in sorted(IN_LIBRARIES):
        (folder / f"{kind[:3]}{SHAPES[kind].name}").write_bytes(SHAPES[kind].make(3 << 20))
    (folder / "good.md").write_text("Annual leave is thirty days.")
    ran = run_over(folder, tmp_path / "data", extract_seconds=3, extract_memory_mb=MEMORY_MB)
    assert ran.files["good.md"]["state"] == "indexed"
    reasons = [file["reason"] for file in ran.files.values() if file["state"] == "failed"]
    assert len(reasons) == len(IN_LIBRARIES)
    assert all("took longer than 3 seconds" in reason for reason in reasons)


LIBRARY_WORDS = re.compile(
    r"Errno|errno|Traceback|ZipInfo|CRC|codec|zlib|lxml|pdfium|0x[0-9a-f]{4}|object at|\b[A-Z][a-z]+Error\b"
    r"|Exception|None\b"
)
"""What a reason never shows."""


def test_reasons_are_for_people(ran: Ran) -> None:
    for file in ran.files.values():
        check_characters(file["reason"])
        assert len(file["reason"]) < LONGEST_REASON, file
        assert "\n" not in file["reason"]
    assert [file for file in ran.files.values() if LIBRARY_WORDS.search(file["reason"])] == []


def test_the_reading_process_stays_under_its_cap(ran: Ran) -> None:
    (peak,) = re.findall(r"^peak (\d+)$", ran.said, re.MULTILINE)
    assert 0 < int(peak) <= MEMORY_MB
