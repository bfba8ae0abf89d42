"""How much of what a person sees in a document is read: words, order, table rows with their column names, headings.

    python benchmarks/extract.py                                 Docent's own reading of the set that is made here
    python benchmarks/extract.py --parts made field office       also ../shared/field, and files by LibreOffice, pandoc
    python benchmarks/extract.py --readers all --python PYTHON   other libraries, in the environment of that PYTHON
    python benchmarks/extract.py --worst 20 --family pdf         the files that come out worst; --show NAME one of them

Each reader reads each family in a process of its own. `found`: share of the words that a person sees; `clean`: share of
the read words that a person sees; `order`: 1 - edit distance of the two sequences of words; `rows`: table rows whose
cells are together in one line or block, and nothing else; `headed`: of the rows under column names, those that are
whole and under their names; `heads`: headings (F1). A file that cannot be read counts as 0. The last line is JSON.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.extraction import corpora, field, made, office
from benchmarks.extraction.cases import Case
from benchmarks.extraction.expected import parse
from benchmarks.extraction.readers import ALL, OWN, READERS
from benchmarks.extraction.running import Run, run
from benchmarks.extraction.score import Score, score, total

_SHARES = ("found", "clean", "order", "rows", "headed", "headings")
_HEAD = "family    reader          version      files failed   found  clean  order   rows headed  heads  seconds  MiB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", nargs="+", default=[OWN], help=f"all, or some of {', '.join(READERS)}")
    parser.add_argument("--python", default=sys.executable, help="where the libraries are installed")
    parser.add_argument("--parts", nargs="+", default=["made"], choices=["made", "field", "office", "corpora"])
    parser.add_argument("--family", choices=ALL)
    parser.add_argument("--worst", type=int, default=0, help="name that many files that the last reader reads worst")
    parser.add_argument("--show", help="what each reader makes of one file")
    parser.add_argument("--keep", type=Path, help="a folder to write the files to")
    arguments = parser.parse_args()
    names = list(READERS) if "all" in arguments.readers else arguments.readers
    cases = [case for case in chosen(arguments.parts) if arguments.family in (None, case.family)]
    if arguments.show:
        cases = [case for case in cases if case.name == arguments.show]
    with tempfile.TemporaryDirectory() as place:
        folder = arguments.keep or Path(place)
        folder.mkdir(exist_ok=True)
        for case in cases:
            (folder / case.name).write_bytes(case.make())
        report = compare(cases, names, arguments.python, folder, arguments.worst, bool(arguments.show))
    print(json.dumps({"benchmark": "extract", "parts": arguments.parts, "files": len(cases), "readers": report}))


def chosen(parts: Sequence[str]) -> list[Case]:
    cases = made.cases()
    found = cases if "made" in parts else []
    if "field" in parts:
        beside = field.cases()
        if not beside:
            print("skipped: ../shared/field is not there")
        found = found + beside
    for part, more in (("office", lambda: office.cases(cases)), ("corpora", corpora.cases)):
        if part in parts:
            added, missing = more()
            print(*(f"skipped: {program} is not installed\n" for program in missing), end="")
            found = found + added
    return found


def compare(
    cases: Sequence[Case], names: Sequence[str], python: str, folder: Path, worst: int, show: bool
) -> dict[str, dict[str, Any]]:
    """A table, family by family; figures by reader and family, with all families of a reader together as "all"."""
    report: dict[str, dict[str, Any]] = {name: {} for name in names}
    everything: dict[str, list[tuple[Case, Score]]] = {name: [] for name in names}
    runs: dict[str, list[Run]] = {name: [] for name in names}
    print(_HEAD)
    for family in ALL:
        of_family = [case for case in cases if case.family == family]
        for name in names if of_family else ():
            if family not in READERS[name].families:
                continue
            done = run(name, sys.executable if name == OWN else python, folder, [case.name for case in of_family])
            if done.skipped:
                print(f"{family:9} {name:15} skipped: {done.skipped}")
                continue
            scores = [(case, score(parse(case.expected), done.parts.get(case.name, []))) for case in of_family]
            everything[name] += scores
            runs[name].append(done)
            report[name][family] = _told(family, name, [done], [one for _, one in scores])
            if show:
                _show(of_family, done)
        _compare_with_own(family, report)
    for name in names:
        if len(runs[name]) > 1:
            report[name]["all"] = _told("all", name, runs[name], [one for _, one in everything[name]])
    if worst:
        _name_worst(everything[names[-1]], runs[names[-1]], worst)
    return report


def _told(family: str, name: str, runs: Sequence[Run], scores: Sequence[Score]) -> dict[str, Any]:
    """One line of the table, printed, and the same as figures."""
    sums = total(scores, sum(len(one.errors) for one in runs))
    seconds, peak = sum(one.seconds for one in runs), max(one.peak_mb for one in runs)
    figures = sums.figures()
    cells = " ".join("     -" if figures[name] is None else f"{figures[name]:6.3f}" for name in _SHARES)
    version = runs[0].version[:12]
    print(
        f"{family:9} {name:15} {version:12} {sums.files:5} {sums.failed:6}  {cells}  {seconds:7.2f} {peak:4.0f}",
        flush=True,
    )
    return {**figures, "seconds": round(seconds, 2), "peak_mb": round(peak), "version": version}


def _compare_with_own(family: str, report: dict[str, dict[str, Any]]) -> None:
    """Names the figures in which a library is ahead of Docent's own reading, the best library of each."""
    own = report.get(OWN, {}).get(family)
    libraries = {name: one[family] for name, one in report.items() if name != OWN and family in one}
    if own is None or not libraries:
        return
    ahead = []
    for figure in _SHARES:
        best = max(libraries, key=lambda name: libraries[name][figure] or 0)
        if (libraries[best][figure] or 0) > (own[figure] or 0):
            ahead.append(f"{figure} {libraries[best][figure]:.3f} {best}")
    print(f"{'':9} ahead of {OWN}: {', '.join(ahead) or 'none'}")


def _name_worst(scores: Sequence[tuple[Case, Score]], runs: Sequence[Run], count: int) -> None:
    errors = {file: error for one in runs for file, error in one.errors.items()}

    def worth(one: Score) -> float:
        rows = one.rows[0] / one.rows[1] if one.rows[1] else 1.0
        headed = one.headed[0] / one.headed[1] if one.headed[1] else 1.0
        return one.found + one.clean + one.order + rows + headed

    print(f"\n{'worst':44} found  clean  order    rows  headed   heads")
    for case, one in sorted(scores, key=lambda pair: worth(pair[1]))[:count]:
        counts = [f"{a}/{b}" for a, b in (one.rows, one.headed, one.headings)]
        cells = " ".join(f"{cell:>7}" for cell in counts)
        error = errors.get(case.name, "")[:60]
        print(f"{case.name:43} {one.found:6.3f} {one.clean:6.3f} {one.order:6.3f} {cells}  {error}")
    print()


def _show(cases: Sequence[Case], done: Run) -> None:
    for case in cases:
        print(f"expected of {case.name}:\n{case.expected}\n--")
        for kind, text in done.parts.get(case.name, []):
            print(f"{kind:10} {text}")
        print(done.errors.get(case.name, ""))


if __name__ == "__main__":
    main()
