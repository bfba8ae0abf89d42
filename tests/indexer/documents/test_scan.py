"""Which files a run is given: odd names, links, hidden things, nested roots, folders deeper than a stack."""

import os
from pathlib import Path

import pytest

from indexer.documents.scan import Root, ScannedFile, resolve_roots, scan
from indexer.errors import FolderError


def walk(folder: Path, leave_out: Path | None = None) -> dict[str, str]:
    """Path -> why it is not read, empty where it is."""
    return {file.path: file.refusal for file in scan(Root(folder), leave_out)}


def write(path: Path, text: str = "words") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_files_come_in_order_with_size_and_time(tmp_path: Path) -> None:
    for name in ("b.md", "a/z.md", "a.md", "c/d/e.md"):
        write(tmp_path / name)
    files = list(scan(Root(tmp_path)))
    assert [file.path for file in files] == ["a/z.md", "a.md", "b.md", "c/d/e.md"]
    status = (tmp_path / "b.md").stat()
    assert files[2] == ScannedFile(tmp_path, "b.md", status.st_size, status.st_mtime_ns)
    assert files[2].absolute == tmp_path / "b.md"


@pytest.mark.parametrize(
    "name", ["with space.md", "line\nbreak.md", "🙂.md", "quote'\".md", "-rf.md", "%20?#.md", "日本.md"]
)
def test_odd_names_are_names(name: str, tmp_path: Path) -> None:
    write(tmp_path / name)
    assert walk(tmp_path) == {name: ""}


def test_names_that_are_no_unicode_are_shown_and_refused(tmp_path: Path) -> None:
    write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md")))
    write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff/inside.md")))
    found = walk(tmp_path)
    assert found.keys() == {"caf\\udce9.md", "\\udcff/"}
    assert all("not valid Unicode" in refusal for refusal in found.values())
    with pytest.raises(FolderError, match="not valid Unicode"):
        resolve_roots([Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))], [])


def test_hidden_files_and_lock_files_are_named(tmp_path: Path) -> None:
    for name in (".git/config", ".hidden.md", "~$report.docx"):
        write(tmp_path / name)
    assert walk(tmp_path) == {
        ".git/": "hidden folder, not read",
        ".hidden.md": "hidden file, not read",
        "~$report.docx": "lock file of an office program, not a document",
    }


def test_what_the_operator_leaves_out_is_named_a_folder_at_once(tmp_path: Path) -> None:
    write(tmp_path / ".docentignore", "old/\n*.tmp.md\n")
    for name in ("old/a.md", "old/b.md", "new/old/c.md", "new/d.md", "e.tmp.md"):
        write(tmp_path / name)
    assert walk(tmp_path) == {
        ".docentignore": "left out by .docentignore",
        "e.tmp.md": "left out by .docentignore",
        "new/d.md": "",
        "new/old/": "left out by .docentignore",
        "old/": "left out by .docentignore",
    }
    single = Root(tmp_path, frozenset({"old/a.md", "new/d.md"}))
    assert {file.path: file.refusal for file in scan(single)} == {
        "new/d.md": "",
        "old/a.md": "left out by .docentignore",
    }


def test_links(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    write(root / "real.md")
    write(outside / "secret.md")
    (root / "inside.md").symlink_to(root / "real.md")
    (root / "out.md").symlink_to(outside / "secret.md")
    (root / "nowhere.md").symlink_to(root / "missing.md")
    (root / "loop.md").symlink_to(root / "loop.md")
    (root / "around").symlink_to(root)
    (root / "away").symlink_to(outside)
    assert walk(root) == {
        "real.md": "",
        "inside.md": "",
        "out.md": "link to a file outside the folder, not followed",
        "nowhere.md": "link that leads nowhere",
        "loop.md": "link that leads nowhere",
        "around/": "link to a folder, not followed",
        "away/": "link to a folder, not followed",
    }


def test_a_name_that_cannot_be_shown_takes_no_other_files_place(tmp_path: Path) -> None:
    written = ("\\udcff.md", "\\\\udcff.md", "\\\\udcff.md\\")
    for name in written:
        write(tmp_path / name)
    for name in (b"\xff.md", b"\\udcff\xff.md", b"\xff\\udcff.md", b"\xff" * 250 + b".md"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("x")
    found = list(scan(Root(tmp_path)))
    assert len({file.path for file in found}) == len(found) == 7
    assert {file.path for file in found if not file.refusal} == {"\\udcff.md", "\\\\udcff.md", "\\\\udcff.md\\"}


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    assert walk(tmp_path) == {"pipe.md": "it is a pipe, a socket or a device, not a file"}


def test_the_folder_of_the_index_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "data" / "note.md")
    write(tmp_path / "a.md")
    assert walk(tmp_path, tmp_path / "data") == {"a.md": "", "data/": "Docent's own data, not read"}


def nest(folder: Path, levels: int, name: str = "d") -> None:
    """Folders in folders, made level by level: a path this long could not be given to the system as a whole."""
    handle = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=handle)
        inner = os.open(name, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(os.open("deep.md", os.O_WRONLY | os.O_CREAT, dir_fd=handle))
    os.close(handle)


def test_folders_deeper_than_pythons_stack(deep_path: Path) -> None:
    nest(deep_path, 1_200)
    (path,) = walk(deep_path)
    assert path == "d/" * 1_200 + "deep.md"


def test_a_folder_that_cannot_be_read_is_named_and_the_rest_goes_on(deep_path: Path) -> None:
    nest(deep_path, 30, "d" * 200)
    write(deep_path / "z.md")
    lost, read = scan(Root(deep_path))
    assert lost.lost
    assert "this folder cannot be read: its name, with the folders before it, is too long" in lost.refusal
    assert lost.path.endswith("/")
    assert read.path == "z.md"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_root_that_may_not_be_read(tmp_path: Path) -> None:
    tmp_path.chmod(0)
    try:
        with pytest.raises(FolderError, match="Check its permissions"):
            list(scan(Root(tmp_path)))
    finally:
        tmp_path.chmod(0o700)


# Roots


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="There is no file or folder"):
        resolve_roots([tmp_path / "missing"], [])


def test_nested_roots_are_refused_both_ways(tmp_path: Path) -> None:
    inner = write(tmp_path / "outer" / "inner" / "a.md").parent
    outer = inner.parent
    for paths, known in (([inner], [outer]), ([outer], [inner]), ([outer, inner], []), ([inner, outer], [])):
        with pytest.raises(FolderError, match="folder of this collection already"):
            resolve_roots(paths, known)
    assert resolve_roots([outer], [outer]) == [Root(outer)]
    assert resolve_roots([outer, outer / "."], []) == [Root(outer)]


def test_folders_beside_each_other_are_two_roots(tmp_path: Path) -> None:
    one, other = (write(tmp_path / name / "x.md").parent for name in ("a", "ab"))
    assert resolve_roots([one, other], []) == [Root(one), Root(other)]


def test_single_files_belong_to_the_root_around_them(tmp_path: Path) -> None:
    file = write(tmp_path / "docs" / "sub" / "a.md")
    docs = tmp_path / "docs"
    assert resolve_roots([file], []) == [Root(file.parent, frozenset({"a.md"}))]
    assert resolve_roots([file], [docs]) == [Root(docs, frozenset({"sub/a.md"}))]
    assert resolve_roots([docs, file], []) == [Root(docs)]
    assert resolve_roots([file, docs], []) == [Root(docs)]


def test_a_file_and_a_folder_below_its_own_are_refused_at_the_first_run_too(tmp_path: Path) -> None:
    file, inner = write(tmp_path / "a.md"), write(tmp_path / "sub" / "b.md").parent
    with pytest.raises(FolderError, match="lies inside"):
        resolve_roots([file, inner], [])


def test_only_the_named_file_is_read(tmp_path: Path) -> None:
    write(tmp_path / "a.md")
    write(tmp_path / "b.md")
    assert [file.path for file in scan(Root(tmp_path, frozenset({"b.md"})))] == ["b.md"]


def test_a_root_reached_through_a_link_is_the_folder_itself(tmp_path: Path) -> None:
    real = write(tmp_path / "real" / "a.md").parent
    (tmp_path / "link").symlink_to(real)
    assert resolve_roots([tmp_path / "link"], [real]) == [Root(real)]
