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

from indexer.documents.channel import ChannelBroken, ChannelClosed, receive, send
from indexer.documents.chunk import ChunkDraft, chunk_document
from indexer.documents.extract import media_type, supported
from indexer.documents.extract.document import Block, ExtractedDocument
from indexer.documents.extract.formats import FORMATS
from indexer.documents.process import Reader
from indexer.documents.wire import CutDocument, document_to_message, read_message
from indexer.embed import model_folder
from indexer.errors import EmbedderError, NeedsOcr, OverLimit, StartError, UnreadableFile, UnsupportedFile
from indexer.settings import IndexerSettings
from indexer.text.word_pieces import WordPieces
from tests.indexer.documents.extract.pdf.pdfs import BODY, drawn

ROOT = Path(__file__).parents[3]
HEAVY = ("lxml pypdfium2 openpyxl pptx markdown_it yaml chardet torch numpy").split()


@pytest.fixture
def reader(settings: IndexerSettings) -> Iterator[Reader]:
    with Reader(settings) as reader:
        yield reader


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def child(reader: Reader) -> psutil.Process:
    """The reading process; it is the only child whose command names the worker."""
    found = [
        process for process in psutil.Process().children() if "indexer.documents.worker" in " ".join(process.cmdline())
    ]
    assert len(found) == 1
    return found[0]


def slow_file(folder: Path) -> Path:
    """More text than is read and cut in a minute."""
    return written(folder, "slow.txt", "1." * (30 << 20))


def test_reads_and_keeps_its_process(reader: Reader, tmp_path: Path) -> None:
    first = reader.read(written(tmp_path, "a.md", "# One\n\ntext")).document
    assert (first.title, first.text) == ("One", "One\n\ntext")
    process = child(reader)
    assert reader.read(written(tmp_path, "b.txt", "two")).document.text == "two"
    assert child(reader).pid == process.pid
    reader.close()
    assert not process.is_running()
    assert reader.read(written(tmp_path, "c.txt", "three")).document.text == "three"


def test_odd_names(reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ["- rf.md", "naïve 🏁\n.md", "a'\"$(b).md", os.fsdecode(b"\xff\xfe.md")]:
        assert reader.read(written(tmp_path, name, "words")).document.text == "words"
    monkeypatch.chdir(tmp_path)
    assert reader.read(Path("- rf.md")).document.title == "Rf"


def test_a_folder_of_documents_is_no_place_to_import_from(
    settings: IndexerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("yaml", "lxml", "indexer", "html"):
        written(tmp_path, f"{module}.py", "raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    with Reader(settings) as reader:
        assert reader.read(written(tmp_path, "a.md", "---\ntitle: T\n---\nwords")).document.text == "words"


def test_what_a_library_prints_does_not_disturb(reader: Reader, tmp_path: Path) -> None:
    """openpyxl warns about the missing style; the warning must not end up between two messages."""
    import openpyxl

    book = openpyxl.Workbook()
    book.active["A1"] = "cell"
    book.save(tmp_path / "a.xlsx")
    assert reader.read(tmp_path / "a.xlsx").document.blocks
    assert reader.read(written(tmp_path, "b.md", "after")).document.text == "after"


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_zero_bytes(reader: Reader, tmp_path: Path, suffix: str) -> None:
    with pytest.raises(UnsupportedFile, match="empty"):
        reader.read(written(tmp_path, f"a{suffix}", b""))


def test_files_that_are_not_opened(reader: Reader, settings: IndexerSettings, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "loop.md").symlink_to(tmp_path / "loop.md")
    (tmp_path / "device.md").symlink_to("/dev/zero")
    with pytest.raises(UnsupportedFile, match="pipe"):
        reader.read(tmp_path / "pipe.md")
    with pytest.raises(UnsupportedFile, match="device"):
        reader.read(tmp_path / "device.md")
    with pytest.raises(UnsupportedFile, match="folder"):
        reader.read(tmp_path / "folder.md")
    with pytest.raises(UnreadableFile, match="symbolic links"):
        reader.read(tmp_path / "loop.md")
    with pytest.raises(UnreadableFile, match="not there"):
        reader.read(tmp_path / "gone.md")
    with pytest.raises(UnsupportedFile, match=r"type \.xyz are not read"):
        reader.read(written(tmp_path, "a.xyz", "words"))
    with pytest.raises(UnsupportedFile, match=r"Save it as \.docx"):
        reader.read(written(tmp_path, "a.doc", "words"))
    with pytest.raises(UnsupportedFile, match="without an ending"):
        reader.read(written(tmp_path, "README", "words"))
    large = tmp_path / "large.txt"
    with large.open("wb") as stream:
        stream.truncate(200 << 20)
    with pytest.raises(UnsupportedFile, match=r"209\.7 MB, more than the 64 MB.*DOCENT_MAX_FILE_MB"):
        reader.read(large)
    assert not [p for p in psutil.Process().children() if "documents.worker" in " ".join(p.cmdline())]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_no_right_to_read(reader: Reader, tmp_path: Path) -> None:
    path = written(tmp_path, "a.md", "words")
    path.chmod(0)
    with pytest.raises(UnreadableFile, match="may not read"):
        reader.read(path)


def test_failures_keep_their_kind_and_the_next_file_is_read(reader: Reader, tmp_path: Path) -> None:
    scan = written(tmp_path, "scan.pdf", drawn([[]], pictures=[1]))
    locked = written(tmp_path, "locked.pdf", drawn([[(72, 72, BODY, 11, "words")]], password="x"))
    with pytest.raises(NeedsOcr, match="OCR"):
        reader.read(scan)
    with pytest.raises(UnreadableFile, match="password"):
        reader.read(locked)
    with pytest.raises(UnreadableFile, match="binary"):
        reader.read(written(tmp_path, "junk.md", bytes(range(256)) * 40))
    assert reader.read(written(tmp_path, "good.md", "words")).document.text == "words"


def test_a_parser_that_does_not_end(settings: IndexerSettings, tmp_path: Path) -> None:
    quick = settings.model_copy(update={"extract_seconds": 1})
    with Reader(quick) as reader:
        with pytest.raises(OverLimit, match=r"longer than 1 seconds.*again when .* DOCENT_EXTRACT_SECONDS"):
            reader.read(slow_file(tmp_path))
        assert reader.read(written(tmp_path, "good.txt", "words")).document.text == "words"


def test_a_file_that_swells_in_memory(settings: IndexerSettings, tmp_path: Path) -> None:
    small = settings.model_copy(update={"extract_memory_mb": 256})
    with Reader(small) as reader:
        with pytest.raises(OverLimit, match=r"more than 256 MB of memory.*again when .* DOCENT_EXTRACT_MEMORY_MB"):
            reader.read(written(tmp_path, "wide.csv", b"a,b\n" * 8_000_000))
        assert reader.read(written(tmp_path, "good.txt", "words")).document.text == "words"


def test_chunks_come_with_the_document_and_fit_the_settings(settings: IndexerSettings, tmp_path: Path) -> None:
    small = settings.model_copy(update={"chunk_tokens": 64})
    with Reader(small) as reader:
        cut = reader.read(written(tmp_path, "a.md", "# Leave\n\n" + "Leave is granted by the manager. " * 30))
    pieces = WordPieces(model_folder(small.embedder))
    assert cut.drafts == chunk_document(cut.document, pieces.offsets, 62)
    assert len(cut.drafts) > 3


def test_a_model_without_a_tokenizer(settings: IndexerSettings, tmp_path: Path) -> None:
    bare = settings.model_copy(update={"embedder": str(tmp_path)})
    with Reader(bare) as reader, pytest.raises(EmbedderError, match=r"no readable tokenizer\.json.*Choose a model"):
        reader.read(written(tmp_path, "a.txt", "words"))


def test_a_process_killed_while_it_reads(reader: Reader, tmp_path: Path) -> None:
    reader.read(written(tmp_path, "a.txt", "one"))
    process = child(reader)
    slow = slow_file(tmp_path)
    raised: list[BaseException] = []

    def read() -> None:
        try:
            reader.read(slow)
        except UnreadableFile as error:
            raised.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    while process.cpu_percent(0.05) < 20:  # until it reads
        pass
    process.send_signal(signal.SIGSEGV)
    thread.join()
    assert "crashed" in str(raised[0])
    assert reader.read(written(tmp_path, "b.txt", "two")).document.text == "two"


def test_a_process_that_died_between_two_files(reader: Reader, tmp_path: Path) -> None:
    reader.read(written(tmp_path, "a.txt", "one"))
    process = child(reader)
    process.kill()
    psutil.wait_procs([process])
    assert reader.read(written(tmp_path, "b.txt", "two")).document.text == "two"


@pytest.mark.parametrize("busy", [False, True])
def test_no_process_outlives_the_indexer(tmp_path: Path, busy: bool) -> None:
    slow_file(tmp_path)
    written(tmp_path, "a.txt", "words")
    script = (
        "from pathlib import Path; from indexer.documents.process import Reader\n"
        "from indexer.settings import IndexerSettings\n"
        f"reader = Reader(IndexerSettings()); reader.read(Path({str(tmp_path)!r}) / 'a.txt')\n"
        "print(reader._process.pid, flush=True)\n"
        + (f"reader.read(Path({str(tmp_path)!r}) / 'slow.txt')" if busy else "input()")
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
        with Reader(quick) as reader, pytest.raises(UnreadableFile):
            reader.read(slow_file(tmp_path))
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
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str
) -> None:
    monkeypatch.setattr(sys, "executable", python)
    with pytest.raises(StartError, match=r"does not start \(.*to see why"):
        reader.read(written(tmp_path, "a.txt", "words"))


def test_importing_the_package_imports_no_library() -> None:
    script = f"import sys, indexer.documents.extract; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_which_files_are_read() -> None:
    assert supported(Path("a/B.PDF"))
    assert not supported(Path("a.exe"))
    assert media_type(Path("x.md")) == "text/markdown"
    assert media_type(Path("x.exe")) == "application/octet-stream"


DOCUMENT = ExtractedDocument(
    "T", "One\n\ntwo", (Block("heading", 0, 3, 1), Block("item", 5, 8, 2, 1)), 1, ("mind",), b"\0\xff"
)
DRAFT = ChunkDraft("T › One", ((5, "One"),), 1, 5, 8, ((5, 8),))
CHUNK = ["T", [[5, "One"]], 1, 5, 8, [[5, 8]]]


def test_documents_cross_the_channel_unchanged() -> None:
    reader, writer = os.pipe()
    send(writer, document_to_message(DOCUMENT, [DRAFT]))
    assert read_message(receive(reader)) == CutDocument(DOCUMENT, [DRAFT])
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
        {"boxes": None},
        {"boxes": "?"},
        {"boxes": "AAAA" * 10_000},
        {"blocks": [[0, 0, 3, 1]]},
        {"blocks": [[9, 0, 3, 1, None]]},
        {"blocks": [[0, 3, 3, 1, None]]},
        {"blocks": [[0, 0, 3, 1, 0]]},
        {"blocks": [[0, 2, 5, 1, None], [0, 4, 8, 1, None]]},
        {"blocks": "no"},
        {"chunks": None},
        {"chunks": [CHUNK[:5]]},
        {"chunks": [[3, *CHUNK[1:]]]},
        {"chunks": [[*CHUNK[:1], "no", *CHUNK[2:]]]},
        {"chunks": [[*CHUNK[:1], [[5, 5]], *CHUNK[2:]]]},
        {"chunks": [[*CHUNK[:2], 0, *CHUNK[3:]]]},
        {"chunks": [[*CHUNK[:3], 8, 8, []]]},
        {"chunks": [[*CHUNK[:3], 5, 9, []]]},
        {"chunks": [CHUNK, CHUNK]},
        {"chunks": [[*CHUNK[:5], [[4, 8]]]]},
        {"chunks": [[*CHUNK[:5], [[5, 9]]]]},
        {"chunks": [[*CHUNK[:5], [[5, 7], [6, 8]]]]},
        {"chunks": [[*CHUNK[:5], [5, 8]]]},
        {"state": "indexed", "what": "x", "advice": ""},
        {"state": "failed", "what": 1, "advice": ""},
    ],
)
def test_a_reply_is_not_trusted(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_message(document_to_message(DOCUMENT, [DRAFT]) | change)


def test_a_message_that_would_fill_the_memory_of_its_reader_is_not_sent() -> None:
    reader, writer = os.pipe()
    with pytest.raises(MemoryError):
        send(writer, {"text": "a" * 50}, 60)
    send(writer, {"text": "a" * 50}, 61)
    with pytest.raises(ChannelBroken, match="61 bytes"):
        receive(reader, most=60)
    os.close(writer)
    os.close(reader)


@pytest.mark.parametrize("sent", [b"\xff\xff\xff\xff", b"\0\0\0\2[]", b"\0\0\0\3{a}", b"\0\0\0\1\xff"])
def test_a_broken_message_is_noticed(sent: bytes) -> None:
    reader, writer = os.pipe()
    os.write(writer, sent)
    with pytest.raises(ChannelBroken):
        receive(reader)
    os.close(writer)
    os.close(reader)
