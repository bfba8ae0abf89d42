"""`indexer evaluate` from a folder to a report, with the real embedder."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from indexer.cli import main
from indexer.settings import IndexerSettings

pytestmark = pytest.mark.models

TOPICS = ("leave", "salaries", "rooms", "travel", "parking", "printers", "lunch", "visitors")


@pytest.fixture
def folder(tmp_path: Path, settings: IndexerSettings) -> Path:
    """Eight documents, a question about each, and one that none of them answers."""
    rows = [{"id": name, "title": name, "text": f"What everyone should know about {name}."} for name in TOPICS]
    questions: list[dict[str, Any]] = [
        {"id": name, "question": f"Tell me about {name}", "gold": [name], "answers": [name]} for name in TOPICS
    ]
    questions.append({"id": "no", "question": "Who won the cup?", "gold": [], "answerable": False})
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "questions.jsonl").write_text("\n".join(map(json.dumps, questions)))
    return tmp_path


def evaluate(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(main, ["evaluate", *arguments])
    assert result.exit_code == status, result.output
    return result


def test_a_report_and_a_comparison_with_it(folder: Path) -> None:
    report = json.loads(evaluate(str(folder), "--json").stdout)
    assert (report["questions"], report["hit@1"], len(report["per_question"])) == (8, 1, 9)
    assert report["per_question"][0]["found"][0] == {"document": "leave", "page": None}
    assert report["per_question"][8]["measures"] == {}

    baseline = folder / "baseline.json"
    baseline.write_text(json.dumps(report))
    page = folder / "report.html"
    same = evaluate(str(folder), "--baseline", str(baseline), "--report", str(page))
    assert "No right passage among the first five: 0 of 8" in page.read_text()
    assert "9 questions stand in both runs." in same.stderr

    for row in report["per_question"][:8]:
        row["measures"]["hit@1"] = [2, 1]  # an earlier run that was better
    baseline.write_text(json.dumps(report))
    worse = json.loads(evaluate(str(folder), "--baseline", str(baseline), "--json", status=1).stdout)
    measures = worse["comparison"]["measures"]
    assert measures["hit@1"] == {
        "before": 2, "after": 1, "difference": -1, "interval": [-1, -1], "verdict": "loss",
    }  # fmt: skip
    assert measures["mrr"]["verdict"] == "no difference"


def test_refusals_by_search_alone(folder: Path) -> None:
    report = json.loads(evaluate(str(folder), "--off-topic", str(folder), "--json").stdout)
    refusals = report["refusals"]
    assert refusals["false_refusals"] == 0
    assert refusals["unanswerable"]["questions"] == 1
    assert refusals["off_topic"]["questions"] == 9  # its own, most of which it answers
    assert refusals["off_topic"]["refused"] == 0.1111
    assert refusals["unanswerable"]["refused"] == refusals["unanswerable"]["auroc"] == 1
    assert report["per_question"][0]["answerability"] > 0.5


def test_a_sample_is_asked_of_the_whole_corpus(folder: Path) -> None:
    asked = ("--sample", "3+1", "--off-topic", str(folder), "--json")
    report = json.loads(evaluate(str(folder), *asked).stdout)
    rows = report["per_question"]
    assert (report["sample"], report["questions"]) == ("3+1 by seed 1", 3)
    assert [row["answerable"] for row in rows] == [True, True, True, False]
    assert [name for name in TOPICS if name in {row["id"] for row in rows}] == [row["id"] for row in rows[:3]]
    assert len(rows[0]["found"]) == 5
    assert report["refusals"]["off_topic"]["questions"] == 3
    other = json.loads(evaluate(str(folder), *asked, "--seed", "2").stdout)
    assert [row["id"] for row in other["per_question"]] != [row["id"] for row in rows]


def test_an_index_is_kept_until_the_corpus_changes(folder: Path, tmp_path: Path) -> None:
    kept = ("--json", "--index", str(tmp_path / "indexes"))
    first, again = (evaluate(str(folder), *kept) for _ in range(2))
    assert "Indexing" in first.stderr
    assert "Indexing" not in again.stderr
    reports = [json.loads(one.stdout) for one in (first, again)]
    for report in reports:
        for row in report["per_question"]:
            row["measures"].pop("latency_ms", None)
        del report["latency_ms"]
    assert reports[0] == reports[1]
    with (folder / "corpus.jsonl").open("a") as corpus:
        corpus.write("\n" + json.dumps({"id": "cup", "title": "Cup", "text": "Who won the cup?"}))
    assert "Indexing" in evaluate(str(folder), *kept).stderr


def test_a_sample_of_nothing_in_particular_is_refused_at_once(folder: Path) -> None:
    refused = evaluate(str(folder), "--sample", "some", status=2)
    assert "names no number of questions" in refused.stderr
    assert "Indexing" not in refused.stderr


def test_a_baseline_that_is_none_is_refused_before_anything_is_read(folder: Path) -> None:
    (folder / "baseline.json").write_text("{}")
    refused = evaluate(str(folder), "--baseline", str(folder / "baseline.json"), status=2)
    assert "no report to compare with" in refused.stderr
    assert "Indexing" not in refused.stderr


def test_a_report_that_could_not_be_written_is_refused_at_once(folder: Path) -> None:
    refused = evaluate(str(folder), "--report", str(folder / "missing" / "report.html"), status=2)
    assert "There is no folder" in refused.stderr
    assert "Indexing" not in refused.stderr


def test_without_documents_there_must_be_a_server(folder: Path) -> None:
    assert "Add --answers or --endpoint." in evaluate(str(folder), "--closed-book", status=2).stderr
