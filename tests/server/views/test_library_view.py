"""What the documents page says of files, in words."""

from typing import Any

from indexer.knowledge.alike import Alike, Other
from indexer.knowledge.catalog import FileRow
from indexer.knowledge.tables import LedgerEntry, now
from server.views.library_view import SHOWN_KINDS, Kind, file_line, unread_kinds


def test_files_of_kinds_that_are_not_read_are_counted_with_what_can_be_done() -> None:
    jpg, doc = "Files of type .jpg are not read.", "Files of type .doc are not read. Save it as .docx."
    bare = "Files without an ending such as .pdf or .md are not read."
    told = unread_kinds({jpg: 1312, doc: 2, bare: 1})
    assert told is not None
    assert told.words == "1,315 files of 3 kinds are not read"
    assert told.kinds == [
        Kind(jpg, "1,312 files of type .jpg are not read."),
        Kind(doc, "2 files of type .doc are not read. Save them as .docx."),
        Kind(bare, "1 file without an ending such as .pdf or .md is not read."),
    ]
    assert told.more == 0
    assert unread_kinds({}) is None


def test_a_folder_of_countless_kinds_does_not_fill_the_page() -> None:
    told = unread_kinds({f"Files of type .{number:03} are not read.": 1 for number in range(SHOWN_KINDS + 7)})
    assert told is not None
    assert len(told.kinds) == SHOWN_KINDS
    assert told.more == 7


def test_a_count_that_may_be_too_small_says_so() -> None:
    row = FileRow(LedgerEntry(id=1, collection_id=1, root="/r", path="a.md", state="indexed"), "docs", 1, "A")

    def told(**alike: Any) -> list[tuple[str, str]]:
        return [(line.words, line.more) for line in file_line(row, now(), Alike(**alike)).alike]

    other = (Other(2, 1, "b.md"),)
    assert told(same=other, nearly=other, more_same=1200) == [
        ("The same words as", "1,200 more"),
        ("Nearly the same as", ""),
    ]
    assert told(nearly=other, more_nearly=3, is_cut=True) == [("Nearly the same as", "at least 3 more")]
    assert told(nearly=other, is_cut=True) == [("Nearly the same as", "perhaps more")]
