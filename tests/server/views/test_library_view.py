"""What the documents page says of files, in words."""

from typing import Any

from indexer.knowledge.alike import Alike, Other
from indexer.knowledge.catalog import FileRow
from indexer.knowledge.collections import Moved
from indexer.knowledge.tables import LedgerEntry, now
from server.views.library_view import (
    SHOWN_KINDS,
    Kind,
    Standing,
    file_line,
    moved_words,
    undo_line,
    unread_kinds,
    waits,
)


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


def test_where_a_file_stands_takes_the_place_of_its_state() -> None:
    row = FileRow(
        LedgerEntry(id=1, collection_id=1, root="/r", path="a.md", state="failed", reason="x"), "docs", None, ""
    )
    line = file_line(row, now(), standing=Standing(waits(1200), may_be_cancelled=True))
    assert (line.state_name, line.reason, line.may_be_cancelled) == ("Waiting, 1,200 files before it", "", True)
    assert not line.may_be_read_again
    assert waits(0) == "Waiting, next to be read"
    assert not file_line(row, now(), is_kept=False).may_be_read_again


def test_what_was_moved_and_what_stays_is_said() -> None:
    assert moved_words(Moved(1), "B") == "1 file is in B now."
    stays = Moved(2, same_name=("a", "b", "c", "d"), in_folder=("e",), unread=("f",))
    assert moved_words(stays, "B") == (
        "2 files are in B now. B has a file of the same name as a, b, c and 1 more file: it stays where it is. "
        "e lies in a folder that is read as a whole, and can go to another collection only with all of it: move the "
        "collection. f can be moved when it is read."
    )


def test_an_undo_names_one_file_and_counts_several() -> None:
    assert undo_line(0, "", now()) is None
    one, several, late = undo_line(1, "a", now()), undo_line(2, "a", now()), undo_line(1, "a", now(), cancelled=True)
    assert one is not None
    assert several is not None
    assert late is not None
    assert (one.name, one.words) == ("a", "was deleted. No answer uses it any more.")
    assert (several.name, several.words) == ("", "2 files were deleted. No answer uses them any more.")
    assert late.words == "was cancelled, and will not be read."
