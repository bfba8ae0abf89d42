"""The process that reads: what it survives, what it refuses, and that it leaves nothing behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from indexer.documents.extract import Extractor, media_type, supported
from indexer.documents.extract.channel import ChannelBroken, ChannelClosed, receive, send
from indexer.documents.extract.document import Block, ExtractedDocument
from indexer.documents.extract.formats import FORMATS
from indexer.documents.extract.wire import document_to_message, read_message
from indexer.errors import NeedsOcr, StartError, UnreadableFile, UnsupportedFile
from indexer.settings import IndexerSettings
from tests.indexer.documents.extract.pdfs import BODY, drawn

ROOT = Path(__file__).parents[4]
HEAVY = ("lxml pypdfium2 mammoth openpyxl pptx markdown_it yaml charset_normalizer torch numpy").split()


@pytest.fixture
def extractor(settings: IndexerSettings) -> Iterator[Extractor]:
    with Extractor(settings) as extractor:
        yield extractor


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def child(extractor: Extractor) -> psutil.Process:
    """The reading process; it is the only child whose command names the worker."""
    found = [
        process
        for process in psutil.Process().children()
        if "indexer.documents.extract.worker" in " ".join(process.cmdline())
    ]
    assert len(found) == 1
    return found[0]


def slow_file(folder: Path) -> Path:
    """Markdown that takes the parser minutes: every line opens a quote inside the quote before."""
    return written(folder, "slow.md", "[" * 60_000 + "![" * 60_000 + "a](" * 60_000)


def test_reads_and_keeps_its_process(extractor: Extractor, tmp_path: Path) -> None:
    first = extractor.extract(written(tmp_path, "a.md", "# One\n\ntext"))
    assert (first.title, first.text) == ("One", "One\n\ntext")
    process = child(extractor)
    assert extractor.extract(written(tmp_path, "b.txt", "two")).text == "two"
    assert child(extractor).pid == process.pid
    extractor.close()
    assert not process.is_running()
    assert extractor.extract(written(tmp_path, "c.txt", "three")).text == "three"


def test_odd_names(extractor: Extractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ["- rf.md", "naïve 🏁\n.md", "a'\"$(b).md", os.fsdecode(b"\xff\xfe.md")]:
        assert extractor.extract(written(tmp_path, name, "words")).text == "words"
    monkeypatch.chdir(tmp_path)
    assert extractor.extract(Path("- rf.md")).title == "Rf"


def test_a_folder_of_documents_is_no_place_to_import_from(
    settings: IndexerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("yaml", "lxml", "indexer", "html"):
        written(tmp_path, f"{module}.py", "raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    with Extractor(settings) as extractor:
        assert extractor.extract(written(tmp_path, "a.md", "---\ntitle: T\n---\nwords")).text == "words"


def test_what_a_library_prints_does_not_disturb(extractor: Extractor, tmp_path: Path) -> None:
    """openpyxl warns about the missing style; the warning must not end up between two messages."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active["A1"] = "cell"
    book.save(tmp_path / "a.xlsx")
    assert extractor.extract(tmp_path / "a.xlsx").blocks
    assert extractor.extract(written(tmp_path, "b.md", "after")).text == "after"


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_zero_bytes(extractor: Extractor, tmp_path: Path, suffix: str) -> None:
    with pytest.raises(UnsupportedFile, match="empty"):
        extractor.extract(written(tmp_path, f"a{suffix}", b""))


def test_files_that_are_not_opened(extractor: Extractor, settings: IndexerSettings, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "loop.md").symlink_to(tmp_path / "loop.md")
    (tmp_path / "device.md").symlink_to("/dev/zero")
    with pytest.raises(UnsupportedFile, match="pipe"):
        extractor.extract(tmp_path / "pipe.md")
    with pytest.raises(UnsupportedFile, match="device"):
        extractor.extract(tmp_path / "device.md")
    with pytest.raises(UnsupportedFile, match="folder"):
        extractor.extract(tmp_path / "folder.md")
    with pytest.raises(UnreadableFile, match="symbolic links"):
        extractor.extract(tmp_path / "loop.md")
    with pytest.raises(UnreadableFile, match="not there"):
        extractor.extract(tmp_path / "gone.md")
    with pytest.raises(UnsupportedFile, match=r"type \.xyz are not read"):
        extractor.extract(written(tmp_path, "a.xyz", "words"))
    with pytest.raises(UnsupportedFile, match=r"Save it as \.docx"):
        extractor.extract(written(tmp_path, "a.doc", "words"))
    with pytest.raises(UnsupportedFile, match="without an ending"):
        extractor.extract(written(tmp_path, "README", "words"))
    large = tmp_path / "large.txt"
    with large.open("wb") as stream:
        stream.truncate(200 << 20)
    with pytest.raises(UnsupportedFile, match=r"200\.0 MB, more than the 64 MB.*DOCENT_MAX_FILE_MB"):
        extractor.extract(large)
    assert not [p for p in psutil.Process().children() if "extract.worker" in " ".join(p.cmdline())]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_no_right_to_read(extractor: Extractor, tmp_path: Path) -> None:
    path = written(tmp_path, "a.md", "words")
    path.chmod(0)
    with pytest.raises(UnreadableFile, match="may not read"):
        extractor.extract(path)


def test_failures_keep_their_kind_and_the_next_file_is_read(extractor: Extractor, tmp_path: Path) -> None:
    scan = written(tmp_path, "scan.pdf", drawn([[]], pictures=[1]))
    locked = written(tmp_path, "locked.pdf", drawn([[(72, 72, BODY, 11, "words")]], password="x"))
    with pytest.raises(NeedsOcr, match="OCR"):
        extractor.extract(scan)
    with pytest.raises(UnreadableFile, match="password"):
        extractor.extract(locked)
    with pytest.raises(UnreadableFile, match="binary"):
        extractor.extract(written(tmp_path, "junk.md", bytes(range(256)) * 40))
    assert extractor.extract(written(tmp_path, "good.md", "words")).text == "words"


def test_a_parser_that_does_not_end(settings: IndexerSettings, tmp_path: Path) -> None:
    quick = settings.model_copy(update={"extract_seconds": 1})
    with Extractor(quick) as extractor:
        with pytest.raises(UnreadableFile, match=r"longer than 1 seconds.*DOCENT_EXTRACT_SECONDS"):
            extractor.extract(slow_file(tmp_path))
        assert extractor.extract(written(tmp_path, "good.txt", "words")).text == "words"


def test_a_file_that_swells_in_memory(settings: IndexerSettings, tmp_path: Path) -> None:
    small = settings.model_copy(update={"extract_memory_mb": 256})
    with Extractor(small) as extractor:
        with pytest.raises(UnreadableFile, match="memory"):
            extractor.extract(written(tmp_path, "wide.csv", b"a,b\n" * 8_000_000))
        assert extractor.extract(written(tmp_path, "good.txt", "words")).text == "words"


def test_a_process_killed_while_it_reads(extractor: Extractor, tmp_path: Path) -> None:
    extractor.extract(written(tmp_path, "a.txt", "one"))
    process = child(extractor)
    slow = slow_file(tmp_path)
    raised: list[BaseException] = []

    def read() -> None:
        try:
            extractor.extract(slow)
        except UnreadableFile as error:
            raised.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    while process.cpu_percent(0.05) < 20:  # until it reads
        pass
    process.send_signal(signal.SIGSEGV)
    thread.join()
    assert "crashed" in str(raised[0])
    assert extractor.extract(written(tmp_path, "b.txt", "two")).text == "two"


def test_a_process_that_died_between_two_files(extractor: Extractor, tmp_path: Path) -> None:
    extractor.extract(written(tmp_path, "a.txt", "one"))
    process = child(extractor)
    process.kill()
    psutil.wait_procs([process])
    assert extractor.extract(written(tmp_path, "b.txt", "two")).text == "two"


@pytest.mark.parametrize("busy", [False, True])
def test_no_process_outlives_the_indexer(tmp_path: Path, busy: bool) -> None:
    slow_file(tmp_path)
    written(tmp_path, "a.txt", "words")
    script = (
        "from pathlib import Path; from indexer.documents.extract import Extractor\n"
        "from indexer.settings import IndexerSettings\n"
        f"extractor = Extractor(IndexerSettings()); extractor.extract(Path({str(tmp_path)!r}) / 'a.txt')\n"
        "print(extractor._process.pid, flush=True)\n"
        + (f"extractor.extract(Path({str(tmp_path)!r}) / 'slow.md')" if busy else "input()")
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    process = psutil.Process(int(parent.stdout.readline()))
    if busy:
        while process.cpu_percent(0.05) < 20:
            pass
    parent.kill()
    parent.communicate()
    _, alive = psutil.wait_procs([process], timeout=10)
    assert not alive


def test_other_threads_run_while_a_file_is_read(settings: IndexerSettings, tmp_path: Path) -> None:
    quick = settings.model_copy(update={"extract_seconds": 1})
    counted = 0
    done = threading.Event()

    def read() -> None:
        with Extractor(quick) as extractor, pytest.raises(UnreadableFile):
            extractor.extract(slow_file(tmp_path))
        done.set()

    thread = threading.Thread(target=read)
    thread.start()
    while not done.is_set():
        time.sleep(0.005)
        counted += 1
    thread.join()
    assert counted > 20


@pytest.mark.parametrize("python", ["/bin/false", "/nowhere/python"])
def test_a_process_that_cannot_start(
    extractor: Extractor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str
) -> None:
    monkeypatch.setattr(sys, "executable", python)
    with pytest.raises(StartError, match=r"does not start \(.*to see why"):
        extractor.extract(written(tmp_path, "a.txt", "words"))


def test_importing_the_package_imports_no_library() -> None:
    script = f"import sys, indexer.documents.extract; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_which_files_are_read() -> None:
    assert supported(Path("a/B.PDF"))
    assert not supported(Path("a.exe"))
    assert media_type(Path("x.md")) == "text/markdown"
    assert media_type(Path("x.exe")) == "application/octet-stream"


DOCUMENT = ExtractedDocument("T", "One\n\ntwo", (Block("heading", 0, 3, 1), Block("item", 5, 8, 2, 1)), 1, ("mind",))


def test_documents_cross_the_channel_unchanged() -> None:
    reader, writer = os.pipe()
    send(writer, document_to_message(DOCUMENT))
    assert read_message(receive(reader)) == DOCUMENT
    os.close(writer)
    with pytest.raises(ChannelClosed):
        receive(reader)
    os.close(reader)


@pytest.mark.parametrize(
    "change",
    [
        {"text": None},
        {"text": "short"},
        {"title": 3},
        {"pages": -1},
        {"pages": True},
        {"remarks": [1]},
        {"blocks": [[0, 0, 3, 1]]},
        {"blocks": [[9, 0, 3, 1, None]]},
        {"blocks": [[0, 3, 3, 1, None]]},
        {"blocks": [[0, 0, 3, 1, 0]]},
        {"blocks": [[0, 2, 5, 1, None], [0, 4, 8, 1, None]]},
        {"blocks": "no"},
        {"state": "indexed", "what": "x", "advice": ""},
        {"state": "failed", "what": 1, "advice": ""},
    ],
)
def test_a_reply_is_not_trusted(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_message(document_to_message(DOCUMENT) | change)


@pytest.mark.parametrize("sent", [b"\xff\xff\xff\xff", b"\0\0\0\2[]", b"\0\0\0\3{a}", b"\0\0\0\1\xff"])
def test_a_broken_message_is_noticed(sent: bytes) -> None:
    reader, writer = os.pipe()
    os.write(writer, sent)
    with pytest.raises(ChannelBroken):
        receive(reader)
    os.close(writer)
    os.close(reader)
