"""`.docentignore`: what its patterns leave out, and that one which cannot be understood stops a run."""

from pathlib import Path

import pytest

from indexer.documents.left_out import MOST_PATTERNS, NAME, LeftOut, read_left_out
from indexer.errors import FolderError


def left_out(folder: Path, text: str) -> LeftOut:
    (folder / NAME).write_text(text, encoding="utf-8")
    return read_left_out(folder)


@pytest.mark.parametrize(
    ("pattern", "files", "others"),
    [
        ("drafts", ["drafts", "a/drafts"], ["drafts.md", "Drafts", "my drafts"]),
        ("*.tmp.md", ["a.tmp.md", "a/b.tmp.md"], ["a.md", "a.tmp.md/b.md"]),
        ("a/b.md", ["a/b.md"], ["b.md", "c/a/b.md", "a/c/b.md"]),
        ("/b.md", ["b.md"], ["a/b.md"]),
        ("a/*.md", ["a/b.md"], ["a/b/c.md", "b.md"]),
        ("20[12]?-report.pdf", ["2019-report.pdf", "2024-report.pdf"], ["2030-report.pdf"]),
        ("only-folders/", [], ["only-folders", "a/only-folders"]),
    ],
)
def test_which_files_a_pattern_leaves_out(pattern: str, files: list[str], others: list[str], tmp_path: Path) -> None:
    found = left_out(tmp_path, pattern)
    assert [path for path in files if not found.holds(path, is_folder=False)] == []
    assert [path for path in others if found.holds(path, is_folder=False)] == []


def test_a_folder_is_left_out_with_all_that_is_in_it(tmp_path: Path) -> None:
    found = left_out(tmp_path, "# old things\n\nold/\narchive/2019\n")
    assert found.holds("old", is_folder=True)
    assert found.holds("a/old", is_folder=True)
    assert found.holds("archive/2019", is_folder=True)
    assert found.holds_file("a/old/b/c.md")
    assert found.holds_file("archive/2019/c.md")
    assert not found.holds_file("archive/2020/c.md")
    assert not found.holds_file("old")


def test_a_folder_without_the_file_leaves_nothing_out(tmp_path: Path) -> None:
    assert read_left_out(tmp_path) == LeftOut()
    assert left_out(tmp_path, "\ufeff# nothing\n") == LeftOut()


@pytest.mark.parametrize("line", ["!keep.md", "a/**/b", "../other", "./a", "a//b", "/"])
def test_a_pattern_that_would_be_misread_stops_the_run(line: str, tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="line 2") as caught:
        left_out(tmp_path, f"old\n{line}\n")
    assert NAME in str(caught.value)


def test_a_file_that_cannot_be_one_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="patterns"):
        left_out(tmp_path, "a\n" * (MOST_PATTERNS + 1))
    with pytest.raises(FolderError, match="bytes"):
        left_out(tmp_path, "#" * 100_000)
    (tmp_path / NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FolderError, match="UTF-8"):
        read_left_out(tmp_path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("!a secret", encoding="utf-8")
    inside = tmp_path / "folder"
    inside.mkdir()
    (inside / NAME).symlink_to(tmp_path / "secret")
    with pytest.raises(FolderError, match="link") as caught:
        read_left_out(inside)
    assert "a secret" not in str(caught.value)
