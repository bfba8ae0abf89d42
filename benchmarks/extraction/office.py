"""The set's own files as LibreOffice and pandoc write them, where these programs are: PDF, Word, Excel, slides, HTML.

What is expected of a converted file is what is expected of its source, but for what the program adds or drops.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.extraction.cases import Case

_LIMIT = 240  # seconds for all files that one command converts
_FAMILIES = {"pdf": "pdf", "docx": "word", "xlsx": "excel", "pptx": "slides", "html": "html"}
_SOFFICE = {
    "pdf": (
        "policy.docx merged-labels.docx two-line-header.docx clause-numbers.docx check-boxes.docx footnotes.docx "
        "text-box.docx right-to-left.docx first-page-header.docx sections-and-columns.docx merged-labels.xlsx "
        "two-row-header.xlsx stacked-tables.xlsx several-sheets.xlsx bullets.pptx table.pptx merged-labels.pptx "
        "boxes.pptx spans.html definitions.html"
    ),
    "docx": "policy.docx two-line-header.docx check-boxes.docx clause-numbers.docx article.html spans.html",
    "xlsx": "prices.xlsx merged-labels.xlsx number-formats.xlsx",
    "pptx": "bullets.pptx merged-labels.pptx chart.pptx",
}
_PANDOC = {
    "docx": "guide.md table.md footnotes.md",
    "html": "guide.md table.md tasks.md",
    "pptx": "guide.md",
}


def cases(made: Sequence[Case]) -> tuple[list[Case], list[str]]:
    """What the programs that are here make of `made`, and which are missing."""
    converted: list[Case] = []
    missing: list[str] = []
    for program, targets, convert in (("soffice", _SOFFICE, _with_soffice), ("pandoc", _PANDOC, _with_pandoc)):
        if shutil.which(program) is None:
            missing.append(program)
            continue
        for ending, names in targets.items():
            sources = [case for case in made if case.name in names.split()]
            converted += _converted(program, ending, sources, convert)
    return converted, missing


Convert = Callable[[Path, str, Sequence[str]], None]


def _converted(program: str, ending: str, sources: Sequence[Case], convert: Convert) -> list[Case]:
    found = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "out").mkdir()
        for case in sources:
            (folder / case.name).write_bytes(case.make())
        convert(folder, ending, [case.name for case in sources])
        for case in sources:
            path = folder / "out" / f"{case.name}.{ending}"
            if path.exists():
                data = path.read_bytes()
                name = f"{program}-{case.name.replace('.', '-')}.{ending}"
                found.append(
                    replace(
                        case,
                        name=name,
                        family=_FAMILIES[ending],
                        expected=_expected(case, ending),
                        make=lambda data=data: data,
                        part=program,
                    )
                )
    return found


def _expected(case: Case, ending: str) -> str:
    """A printed sheet has its name above it and its page number below."""
    if case.family == "excel" and ending == "pdf":
        named = "\n".join(f"{{{line}}}" if line.startswith("# ") else line for line in case.expected.split("\n"))
        return named.replace("{# ", "{") + "\n{Page 1}"
    if case.name == "guide.md":
        return f"{{Leave}}\n{case.expected}"  # pandoc puts the title of the front matter above the text
    return case.expected


def _with_soffice(folder: Path, ending: str, names: Sequence[str]) -> None:
    for name in names:
        target = folder / "one"
        profile = f"-env:UserInstallation=file://{folder}/profile"
        command = ["soffice", profile, "--headless", "--convert-to", ending, "--outdir", str(target)]
        if name.endswith(".html"):
            command += ["--infilter=HTML (StarWriter)"]
        subprocess.run([*command, str(folder / name)], capture_output=True, timeout=_LIMIT, check=False)
        for path in target.glob(f"*.{ending}"):
            path.rename(folder / "out" / f"{name}.{ending}")


def _with_pandoc(folder: Path, ending: str, names: Sequence[str]) -> None:
    for name in names:
        target = folder / "out" / f"{name}.{ending}"
        command = ["pandoc", "--standalone", str(folder / name), "-o", str(target)]
        subprocess.run(command, capture_output=True, timeout=_LIMIT, check=False)
