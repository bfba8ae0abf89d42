"""A language model's answers on sets of questions with known answers: facts held and wrong, refusals, flaws, citations.

    python benchmarks/answers.py [SETS] [--set quick|full] [--model NAME|FILE|none] [--only NAME] [--baseline FOLDER]

SETS is a folder with the evaluation folders `handbook`, `contoso`, `squad`, ... (docs/evaluating.md), by default what
EVAL names, or `eval`. `quick` chooses between variants, `full` says how good they are; both ask the same
questions each time. The model is MODEL or DOCENT_MODEL, or the installed one; `none` measures quotations.

Runs `indexer evaluate --answers` on each folder. Greedy answers are kept in DOCENT_RECORDINGS, by default below
~/.cache/docent-evaluate, and never generated twice, so times say nothing; the indexes of the corpora are kept there
too, until a document or the code of the indexer changes. Each folder's report is written beside them, as JSON and as a
page on which every answer can be read; `--baseline` compares with the reports of an earlier run. The row `employees`
is handbook and contoso together. The last line is JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.errors import StartError
from indexer.evaluate.by_question import summarise_answers
from indexer.evaluate.compare import Difference, compare, read_baseline
from server.llm.model_files import resolve_model
from server.settings import ServerSettings

EMPLOYEES = ("handbook", "contoso")


@dataclass(frozen=True)
class Part:
    """An evaluation folder, how many of its questions are asked, and whose are asked of it as well."""

    name: str
    sample: str
    off_topic: str = ""


SETS = {
    "quick": (
        Part("handbook", "100+0"),
        Part("contoso", "100+0"),
        Part("squad", "30+0"),
        Part("squad-unanswerable", "30+30"),
    ),
    "full": (
        Part("handbook", "100+100", off_topic="squad"),
        Part("contoso", "100+100"),
        Part("squad", "100+0"),
        Part("clapnq", "100+0"),
        Part("multi-turn", "100+0"),
        Part("squad-unanswerable", "100+100"),
    ),
}

COLUMNS = {
    "shown": "facts_held.shown",
    "written": "facts_held.written",
    "wrong": "wrong_facts",
    "cited": "wrong_facts_cited",
    "refused": "refused",
    "empty": "empty",
    "cut": "cut",
    "words": "words",
    "contains": "contains",
    "cite p": "citations.precision",
    "cite r": "citations.recall",
    "unanswerable": "abstention.recall",
    "at 10%": "answerability.at_10%",
    "off topic": "off_topic.refused",
}
"""What stands over a column, and the figure in it: shares of 0 to 1, but `words`. `cited` are wrong and carry a mark,
`unanswerable` and `off topic` are those that are refused, `at 10%` those that would be with 10% false refusals."""


def main() -> None:
    arguments = parsed()
    try:
        parts = chosen(arguments.sets, arguments.set, arguments.only)
        environment = with_model(arguments.model)
    except StartError as error:
        if arguments.asked:
            print(error, file=sys.stderr)
            sys.exit(error.exit_status)
        print(f"Not measured: {error}")  # `make bench` runs what can be run
        print(json.dumps({"benchmark": "answers", "skipped": str(error)}))
        return
    model = Path(environment.get("DOCENT_MODEL", "quotations")).stem
    reports = arguments.reports or cache() / "reports" / f"{time.strftime('%Y%m%d-%H%M%S')}-{model}-{arguments.set}"
    reports.mkdir(mode=0o700, parents=True, exist_ok=True)
    rows: dict[str, list[dict[str, Any]]] = {}
    for part in parts:
        started = time.monotonic()
        rows[part.name] = evaluated(arguments.sets, part, reports, environment)
        print(f"{part.name}: {time.monotonic() - started:.0f} s, {reports / part.name}.html", file=sys.stderr)
    rows |= together(rows)
    figures = {name: summarise_answers(asked) for name, asked in rows.items()}
    print(table(rows, figures))
    differences = dict(against(arguments.baseline, rows)) if arguments.baseline else {}
    for name, found in differences.items():
        print("\n".join(f"{name}: {line}" for line in found))
    summary = {"benchmark": "answers", "set": arguments.set, "model": model, "reports": str(reports), "sets": figures}
    print(json.dumps(summary | ({"differences": differences} if arguments.baseline else {})))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, nargs="?")
    parser.add_argument("--set", choices=sorted(SETS), default="quick")
    parser.add_argument("--only", metavar="NAME", help="this evaluation folder of the set alone")
    parser.add_argument("--model", default=os.environ.get("MODEL") or os.environ.get("DOCENT_MODEL", ""))
    parser.add_argument("--reports", type=Path, metavar="FOLDER", help="where the reports are written")
    parser.add_argument("--baseline", type=Path, metavar="FOLDER", help="reports of an earlier run to compare with")
    arguments = parser.parse_args()
    arguments.asked = arguments.sets is not None
    arguments.sets = arguments.sets or Path(os.environ.get("EVAL") or "eval")
    return arguments


def chosen(sets: Path, name: str, only: str | None) -> list[Part]:
    """Raises StartError where a folder of the set is missing."""
    parts = [part for part in SETS[name] if only in (None, part.name)]
    if not parts:
        raise StartError(f"The set {name} has no folder {only}.", f"It has {', '.join(p.name for p in SETS[name])}.")
    wanted = dict.fromkeys(folder for part in parts for folder in (part.name, part.off_topic) if folder)
    missing = [folder for folder in wanted if not (sets / folder / "questions.jsonl").is_file()]
    if missing:
        raise StartError(
            f"{sets} lacks the evaluation folders {', '.join(missing)}.",
            "Name a folder that has them (EVAL=...); docs/evaluating.md says what each is made of and from where.",
        )
    return parts


def with_model(name: str) -> dict[str, str]:
    """The environment of the evaluations. Raises StartError where there is no such model, or none at all."""
    environment = {
        **os.environ,
        "DOCENT_RECORDINGS": os.environ.get("DOCENT_RECORDINGS") or str(cache() / "recordings"),
    }
    environment.pop("DOCENT_MODEL", None)
    if name == "none" or environment.get("DOCENT_GENERATOR_URL"):
        return environment
    path = resolve_model(ServerSettings(model=name))
    if path is None:
        raise StartError(
            "No language model is installed.",
            "Pull one (docent models pull NAME) or name one (MODEL=...); MODEL=none measures quotations.",
        )
    return environment | {"DOCENT_MODEL": str(path.resolve())}


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "docent-evaluate"


def evaluated(sets: Path, part: Part, reports: Path, environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """The questions of a folder's report, which is also written."""
    command = [sys.executable, "-m", "indexer", "evaluate", str(sets / part.name), "--answers", "--json"]
    command += ["--index", str(cache() / "indexes")]
    command += ["--sample", part.sample, "--report", str(reports / f"{part.name}.html")]
    command += ["--off-topic", str(sets / part.off_topic)] if part.off_topic else []
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise SystemExit(f"The evaluation of {part.name} ended with status {done.returncode}; its words are above.")
    (reports / f"{part.name}.json").write_bytes(done.stdout)
    rows: list[dict[str, Any]] = json.loads(done.stdout)["per_question"]
    return rows


def together(rows: Mapping[str, Sequence[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Questions of employees, whatever they asked about."""
    asked = [row for name in EMPLOYEES for row in rows.get(name, ())]
    return {"employees": asked} if all(name in rows for name in EMPLOYEES) else {}


def against(baseline: Path, rows: Mapping[str, Sequence[dict[str, Any]]]) -> Iterator[tuple[str, list[str]]]:
    """What is more than chance explains, for each folder that both runs asked."""
    before = {name: read_baseline(path) for name in rows if (path := baseline / f"{name}.json").is_file()}
    for name, asked in (before | together(before)).items():
        differences = compare(asked, rows[name]).differences
        yield name, [described(one) for one in differences if one.verdict != "no difference"]


def described(one: Difference) -> str:
    return f"{one.measure} {one.before:.3f} -> {one.after:.3f} ({one.low:+.3f} to {one.high:+.3f}), {one.verdict}"


def table(rows: Mapping[str, Sequence[dict[str, Any]]], figures: Mapping[str, dict[str, Any]]) -> str:
    lines = [["", "asked", *COLUMNS]]
    for name, found in figures.items():
        lines.append([name, asked(rows[name]), *(cell(found, figure) for figure in COLUMNS.values())])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(f"{text:>{width}}" for text, width in zip(line, widths, strict=True)) for line in lines)


def asked(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many the documents answer, how many they do not, and how many are off topic."""
    off_topic = sum(bool(row.get("off_topic")) for row in rows)
    answerable = sum(row["answerable"] is True for row in rows)
    return f"{answerable}+{len(rows) - answerable - off_topic}" + (f"+{off_topic}" if off_topic else "")


def cell(figures: Mapping[str, Any], name: str) -> str:
    value: Any = figures
    for part in name.split("."):
        value = (value or {}).get(part)
    return "" if value is None else f"{value:.1f}" if name == "words" else f"{value:.3f}".replace("0.", ".")


if __name__ == "__main__":
    main()
