"""Names that hurt: twins, line ends, invalid Unicode, dashes, length; and what is no file at all."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from tests.indexer.hostile.cases import Case, failed, indexed, skipped

HELD = "Annual leave is thirty days."
_ODD = r"Files without an ending such as .*"
_NO_FILE = r".*(not a regular file|a pipe, a socket or a device).*"


def words(name: str, attack: str, text: str = HELD) -> Case:
    return indexed(name, attack, lambda: text.encode(), text)


NAME = (
    words("caf\u00e9.md", "a twin in normal form C", "Coffee in one letter."),
    words("cafe\u0301.md", "a twin in normal form D", "Coffee in two letters."),
    words("REPORT.md", "a twin in capitals", "Report in capitals."),
    words("report.md", "a twin in small letters", "Report in small letters."),
    words("Report.MD", "a twin of both", "Report of both."),
    words("\ufb01le.md", "a ligature", "A ligature."),
    words("file.md", "the ligature's letters", "No ligature."),
    words("line\nbreak.md", "a line end in a name"),
    words("tab\tbell\x07escape\x1b[2J.md", "control characters in a name"),
    words("-rf.md", "a leading dash"),
    words("--help.md", "an option as a name"),
    words("con.txt", "a device of Windows"),
    words("nul.md", "a device of Windows"),
    words(" .md", "a name of a space"),
    words("trailing .md", "a space before the ending"),
    words("back\\slash.md", "a separator of Windows"),
    words("%2e%2e%2fetc%2fpasswd.md", "an encoded way out"),
    words("$(touch x);`id`|'\".md", "commands of a shell"),
    words("[bold]{{7}}%s%n<b>.md", "markup and formats"),
    words("\u202egnp.md", "a name that turns around"),
    words("\ue000\u200b\ufeff.md", "a name that nobody sees"),
    words("\U0001f3f4\U000e0067.md", "an emoji with tags"),
    words("a" * 252 + ".md", "a name of 255 bytes"),
    words("é" * 126 + ".md", "a name of 255 bytes in two bytes a letter"),
    words("dots...md", "more dots than needed"),
    words("a.pdf.md", "two endings"),
    skipped(".md", "an ending and no name", lambda: HELD.encode(), "hidden file, not read"),
    skipped("~$report.docx", "a lock of Word", lambda: HELD.encode(), "lock file of an office program, not a document"),
    skipped("no ending", "a name without an ending", lambda: HELD.encode(), r"Files without an ending such as .*"),
    skipped("a." + "x" * 250, "an ending of 250 letters", lambda: HELD.encode(), _ODD),
    skipped("a.m\nd\x1b", "control characters in an ending", lambda: HELD.encode(), _ODD),
    skipped("a.md ", "an ending with a space", lambda: HELD.encode(), r"Files of type .* are not read\."),
    skipped(
        "page.xls",
        "HTML under Excel's old ending",
        lambda: b"<table><tr><td>a</table>",
        r"Files of type \.xls are not read\. Save it as \.xlsx\.",
    ),
    skipped(
        "old.doc", "Word 97", lambda: b"\xd0\xcf\x11\xe0", r"Files of type \.doc are not read\. Save it as \.docx\."
    ),
    skipped("empty.pdf", "no byte", lambda: b"", r"The file is empty\."),
    skipped("empty.docx", "no byte", lambda: b"", r"The file is empty\."),
    skipped("empty.csv", "no byte", lambda: b"", r"The file is empty\."),
    failed(
        "a page.xlsx",
        "HTML under Excel's new ending",
        lambda: b"<table><tr><td>a</table>",
        r"The file is not an Excel file.*",
    ),
)


@dataclass(frozen=True)
class Oddity:
    """What is no plain file: how the ledger calls it, and the pattern of its whole reason."""

    name: str
    reason: str
    state: str = "skipped"


ODDITIES = (
    Oddity("no utf-8 \\udcff\\udcfe.md", "its name is not valid Unicode; rename it"),
    Oddity("twin \\udcff.md", "", "indexed"),
    Oddity("twin \\udcff.md\\", "its name is not valid Unicode; rename it"),
    Oddity("no utf-8 \\udcff/", "its name is not valid Unicode; rename it"),
    Oddity("pipe.md", _NO_FILE),
    Oddity("socket.md", _NO_FILE),
    Oddity("folder.md/inside.md", "", "indexed"),
    Oddity("loop.md", "link that leads nowhere"),
    Oddity("one.md", "link that leads nowhere"),
    Oddity("two.md", "link that leads nowhere"),
    Oddity("dangling.md", "link that leads nowhere"),
    Oddity("home/", "link to a folder, not followed"),
    Oddity("outside.md", "link to a file outside the folder, not followed"),
    Oddity("device.md", "link to a file outside the folder, not followed"),
    Oddity("inside.md", "", "indexed"),
    Oddity(".hidden/", "hidden folder, not read"),
    Oddity(
        "sparse.txt",
        r"The file has 10,737\.4 MB, more than the 64 MB that are read\. Raise DOCENT_MAX_FILE_MB to read it\.",
    ),
)


def write_oddities(folder: Path) -> None:
    below = os.fsencode(folder)
    Path(os.fsdecode(below + b"/no utf-8 \xff\xfe.md")).write_text(HELD)
    Path(os.fsdecode(below + b"/twin \xff.md")).write_text(HELD)
    (folder / "twin \\udcff.md").write_text(HELD)
    Path(os.fsdecode(below + b"/no utf-8 \xff")).mkdir()
    os.mkfifo(folder / "pipe.md")
    with socket.socket(socket.AF_UNIX) as made:
        here = Path.cwd()
        os.chdir(folder)  # the path of a socket has at most 107 bytes
        made.bind("socket.md")
        os.chdir(here)
    (folder / "folder.md").mkdir()
    (folder / "folder.md" / "inside.md").write_text(HELD)
    links = {"loop.md": "loop.md", "one.md": "two.md", "two.md": "one.md", "dangling.md": "nowhere.md", "home": "."}
    links |= {"outside.md": "../secret.md", "device.md": "/dev/zero", "inside.md": "folder.md/inside.md"}
    for name, target in links.items():
        (folder / name).symlink_to(target)
    (folder.parent / "secret.md").write_text("Secret words.")
    (folder / ".hidden").mkdir()
    with (folder / "sparse.txt").open("wb") as stream:
        stream.truncate(10 << 30)
