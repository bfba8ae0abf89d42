"""What a person reads after a run: what was skipped, in few lines."""

from indexer.errors import program
from indexer.knowledge.runs import FileReport
from indexer.knowledge.trash import DELETED
from indexer.progress import NAMED, skipped_lines

STATUS = f"`{program('indexer')} status --files` names every file that was skipped, with the reason."


def skipped(document: str, reason: str) -> FileReport:
    return FileReport(document, "skipped", reason)


def not_read(ending: str, count: int) -> list[FileReport]:
    return [skipped(f"shots/{number}{ending}", f"Files of type {ending} are not read.") for number in range(count)]


def test_few_skipped_files_get_a_line_each() -> None:
    files = [*not_read(".webp", NAMED), skipped(".env", "hidden file, not read")]
    assert skipped_lines(files) == [
        "skipped   shots/0.webp: Files of type .webp are not read.",
        "skipped   shots/1.webp: Files of type .webp are not read.",
        "skipped   shots/2.webp: Files of type .webp are not read.",
        "skipped   .env: hidden file, not read",
    ]
    assert skipped_lines([]) == []


def test_many_pictures_are_one_line_whatever_their_type() -> None:
    assert skipped_lines([*not_read(".webp", 1000), *not_read(".PNG", 404)]) == [
        "skipped   1,404 pictures, whose words are not read.",
        STATUS,
    ]


def test_many_files_of_one_kind_are_one_line_each_kind() -> None:
    large = "The file has {} MB, more than the 64 MB that are read."
    files = [*not_read(".py", 4), *(skipped(f"{n}.pdf", large.format(f"{n + 70}.5")) for n in range(5))]
    files += [skipped(f"old/{name}", "left out by .docentignore") for name in ("a.md", "b/", "c/", "d.md")]
    assert skipped_lines(files) == [
        "skipped   4 files, one of them shots/0.py: Files of type .py are not read.",
        "skipped   5 files, one of them 0.pdf: The file has 70.5 MB, more than the 64 MB that are read.",
        "skipped   4 files and folders, one of them old/a.md: left out by .docentignore",
        STATUS,
    ]


def test_of_what_was_deleted_by_hand_the_status_is_no_place_to_look() -> None:
    deleted = [skipped(f"{number}.md", DELETED) for number in range(NAMED + 1)]
    told = f"skipped   4 files, one of them 0.md: {DELETED}"
    assert skipped_lines(deleted) == [told]
    assert skipped_lines([*deleted, *not_read(".py", 4)])[1:] == [STATUS, told]
