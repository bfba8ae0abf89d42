"""The PDF and Word files of `../shared/corpora`, where that folder lies beside the checkout, against another program.

Nobody wrote down what a person sees in them, so the words that pdftotext and pandoc find stand for it: a share of 1
says that two programs agree, less that one should look. Running headers count as words; headings and rows are not
compared.
"""

import shutil
import subprocess
from pathlib import Path

from benchmarks.extraction.cases import Case

FOLDER = Path(__file__).parents[3] / "shared" / "corpora"
_WITNESSES = {
    ".pdf": ("pdf", ["pdftotext", "{}", "-"]),
    ".docx": ("word", ["pandoc", "--to=plain", "--wrap=none", "{}"]),
}
_LIMIT = 120  # seconds for one file


def cases() -> tuple[list[Case], list[str]]:
    """Empty where the folder is not there; and the programs that are missing."""
    found = []
    missing = [command[0] for _, command in _WITNESSES.values() if shutil.which(command[0]) is None]
    for path in sorted(FOLDER.rglob("*")):
        family, command = _WITNESSES.get(path.suffix, ("", [""]))
        if family and command[0] not in missing:
            expected = _plain([part.replace("{}", str(path)) for part in command])
            found.append(Case(f"corpora-{path.name}", family, expected, path.read_bytes, "corpora"))
    return found, missing


def _plain(command: list[str]) -> str:
    """Lines without what the notation of `expected.py` would take for marks of its own."""
    ended = subprocess.run(command, capture_output=True, timeout=_LIMIT, check=True)
    text = ended.stdout.decode("utf-8", "replace").translate(dict.fromkeys(map(ord, "#|{}<^"), " "))
    return "\n".join(line.strip() for line in text.splitlines())
