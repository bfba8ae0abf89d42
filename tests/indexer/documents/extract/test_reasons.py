"""What the ledger says of damaged and wrong files: a person who has only Word or Excel before him understands it."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.extraction.made import cases
from indexer.documents.extract.formats import FORMATS
from indexer.documents.worker import _reply
from indexer.embed import model_folder
from indexer.settings import IndexerSettings
from indexer.text.word_pieces import WordPieces

FORBIDDEN = re.compile(
    r"[A-Z][A-Za-z]*(?:Error|Exception|Warning)\b|BadZip|Traceback|Errno|<|0x|\\x|\\u|object at|NoneType|\bNone\b"
    r"|zip file|[Mm]agic|startxref|xref|zlib|lxml|libxml|PDFium|pdfium|codec|can't decode|\.xml|\.rels|/_rels|StartTag"
    r"|CRC|column \d|position \d|byte \d|\bpart (?:word|xl|ppt|docProps)/|invalid|Namespace|index out of|KeyError"
)
"""Names of exceptions, words of libraries, parts of a file that nobody knows."""
SAMPLES = {
    ".pdf": "form.pdf", ".docx": "two-line-header.docx", ".xlsx": "comment.xlsx", ".pptx": "two-line-header.pptx",
}  # fmt: skip
OTHERS = {
    "a web page": b"<!DOCTYPE html><html><body><p>Words</p></body></html>",
    "RTF": rb"{\rtf1 Words}",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
    "old Office": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5_000),
    "a locked Office file": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") * 9,
    "noise": random.Random(4).randbytes(5_000),
    "zeros": bytes(5_000),
    "an empty archive": b"PK\x05\x06" + bytes(18),
    "words": "Words, ümlauts and €.".encode(),
}


@pytest.fixture(scope="module")
def pieces() -> WordPieces:
    return WordPieces(model_folder(IndexerSettings().embedder))


def sample(suffix: str) -> bytes:
    made = [case for case in cases() if case.name.endswith(suffix)]
    return next((case for case in made if case.name == SAMPLES.get(suffix)), made[0]).make()


def damaged(data: bytes) -> Iterator[bytes]:
    chance = random.Random(7)
    for tenth in range(1, 10):
        yield data[: len(data) * tenth // 10]
    yield from (data[:4], data[:30], data[:-1], data[:-25], data[1:], data[len(data) // 2 :])
    for changes in [1] * 25 + [30] * 10:
        broken = bytearray(data)
        for _ in range(changes):
            broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        yield bytes(broken)


def said(pieces: WordPieces, folder: Path, data: bytes, suffix: str) -> list[str]:
    path = folder / f"file{suffix}"
    path.write_bytes(data)
    reply = _reply({"path": str(path), "max_file_mb": 64}, pieces, 200)
    return [f"{reply['what']} {reply['advice']}".strip()] if "state" in reply else reply["remarks"]


@pytest.mark.parametrize("suffix", [".pdf", ".docx", ".xlsx", ".pptx", ".html", ".md", ".csv", ".txt"])
def test_reasons_for_damaged_files_are_sentences_of_ours(pieces: WordPieces, tmp_path: Path, suffix: str) -> None:
    told = {text for data in damaged(sample(suffix)) for text in said(pieces, tmp_path, data, suffix)}
    assert [text for text in told if FORBIDDEN.search(text) or not text.endswith(".")] == []


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_reasons_for_files_under_a_wrong_ending(pieces: WordPieces, tmp_path: Path, suffix: str) -> None:
    files = OTHERS | {f"a file {other}": sample(other) for other in SAMPLES}
    told = {name: said(pieces, tmp_path, data, suffix) for name, data in files.items()}
    assert [texts for texts in told.values() if any(FORBIDDEN.search(text) for text in texts)] == []
    if suffix == ".docx":
        assert "is a PDF under another ending" in told["a file .pdf"][0]
        assert "is an Excel file under another ending" in told["a file .xlsx"][0]
        assert "is a web page under another ending" in told["a web page"][0]
        assert "before 2007" in told["old Office"][0]
        assert "protected with a password" in told["a locked Office file"][0]


def test_what_no_library_foresaw_is_said_without_its_words(
    pieces: WordPieces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("w:p at 0x7f")

    monkeypatch.setattr("indexer.documents.worker.extract_bytes", fail)
    assert said(pieces, tmp_path, b"Words", ".txt") == [
        "The file is damaged, or made in a way that Docent does not understand. Open it in the program that it was made"
        " with and save it again, or fetch it anew."
    ]
