import pytest

from indexer.documents.extract.formats import extract_bytes
from indexer.errors import UnreadableFile, UnsupportedFile
from tests.indexer.documents.extract.invariants import check, outline


def read(source: str) -> list[tuple[str, str]]:
    document = extract_bytes(source.encode(), "page.txt")
    check(document)
    return outline(document)


def test_paragraphs_lists_and_underlined_headings() -> None:
    assert read("Leave\n=====\n\nTwo lines\nof an address\n \n- one\n  goes on\n* two\n1) three\n\n-----\n\nend") == [
        ("heading1", "Leave"),
        ("paragraph", "Two lines\nof an address"),
        ("item1", "one goes on"),
        ("item1", "two"),
        ("item1", "three"),
        ("paragraph", "end"),
    ]


def test_lines_wrapped_by_a_program_are_joined() -> None:
    text = (
        "Employees may carry over two hundred and forty hours of\n"
        "annual leave from one leave year to the next, and what\nis more than that is lost.\nShort end"
    )
    assert read(text) == [
        (
            "paragraph",
            "Employees may carry over two hundred and forty hours of annual leave from one leave year to the next, and"
            " what is more than that is lost.\nShort end",
        )
    ]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"]
)
def test_encodings(encoding: str) -> None:
    text = "Überstunden dürfen nur nach Genehmigung geleistet werden; für Ausnahmen gilt § 4. Größere Beträge zählen."
    assert extract_bytes(text.encode(encoding), "x.txt").text == text


def test_cyrillic_code_page() -> None:
    text = "Сотрудник имеет право на ежегодный отпуск продолжительностью двадцать восемь календарных дней. " * 3
    assert extract_bytes(text.encode("cp1251"), "x.txt").text == text.strip()


@pytest.mark.parametrize("suffix", [".md", ".txt", ".html", ".csv"])
@pytest.mark.parametrize("head", [b"", b"\x7fELF\x02\x01\x01", b"PK\x03\x04", b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n"])
def test_binary_junk_is_refused(suffix: str, head: bytes) -> None:
    junk = head + bytes((i * i * 31 + i // 7) % 256 for i in range(20_000))
    with pytest.raises(UnreadableFile, match="binary"):
        extract_bytes(junk, f"junk{suffix}")


def test_zero_bytes_and_blanks() -> None:
    with pytest.raises(UnsupportedFile, match="empty"):
        extract_bytes(b"", "x.txt")
    with pytest.raises(UnsupportedFile, match="no text"):
        extract_bytes(b" \n\t\n\xc2\xa0", "x.txt")
