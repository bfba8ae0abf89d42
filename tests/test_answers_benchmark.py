"""`make evaluate` from sets of questions to one table, with a language model that says what it is told."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.answers import COLUMNS, SETS, Part, against, asked, cell, chosen, table, together, with_model
from indexer.errors import StartError
from server.settings import ServerSettings
from tests.server.llm.scripted_api import DONE, ScriptedApi, event, scripted_api
from tests.tiny_gguf import write_tiny_gguf

ROOT = Path(__file__).parents[1]
FIELDS = {"question": "How long is annual leave?", "gold": ["leave.md"]}


def row(id_: str, answerable: bool | None = True, **measures: list[float]) -> dict[str, Any]:
    return {"id": id_, "answerable": answerable, "measures": measures}


def make_sets(folder: Path) -> Path:
    """Every folder of a set: one document, a question that it answers, and one that it does not."""
    for name in {part.name for parts in SETS.values() for part in parts}:
        (folder / name).mkdir(parents=True)
        text = f"Annual leave is thirty days in {name}, as the Tenant Office says."
        (folder / name / "corpus.jsonl").write_text(json.dumps({"id": "leave.md", "title": "Leave", "text": text}))
        questions = [
            {"id": "leave", **FIELDS, "must": [["30 days", "thirty days"], ["tenant office"]]},
            {"id": "pay", "question": "How much is annual leave paid?", "gold": [], "answerable": False},
            {"id": "either", **FIELDS, "answerable": None},
        ]
        (folder / name / "questions.jsonl").write_text("\n".join(map(json.dumps, questions)))
    return folder


# The sets


def test_every_folder_of_a_set_must_be_there(tmp_path: Path) -> None:
    sets = make_sets(tmp_path / "eval")
    assert chosen(sets, "full", None) == list(SETS["full"])
    assert chosen(sets, "quick", "squad") == [Part("squad", "30+0")]
    (sets / "squad" / "questions.jsonl").unlink()
    with pytest.raises(StartError, match=r"lacks the evaluation folders squad\. .*docs/evaluating\.md"):
        chosen(sets, "full", "handbook")  # which is asked questions of squad
    with pytest.raises(StartError, match="has no folder clapnq"):
        chosen(sets, "quick", "clapnq")


@pytest.mark.parametrize("name", SETS)
def test_the_sets_are_those_that_lie_beside_the_checkout(name: str, shared: Path) -> None:
    assert chosen(shared / "eval", name, None) == list(SETS[name])


# The model


def test_which_model_is_judged(settings: ServerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCENT_DATA", str(settings.data))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(StartError, match="No language model is installed"):
        with_model("")
    assert "DOCENT_MODEL" not in with_model("none")
    assert with_model("none")["DOCENT_RECORDINGS"] == str(tmp_path / "cache" / "docent-evaluate" / "recordings")
    settings.models_path.mkdir(parents=True)
    path = write_tiny_gguf(settings.models_path / "tiny.gguf")
    assert with_model("")["DOCENT_MODEL"] == with_model("tiny")["DOCENT_MODEL"] == str(path)
    with pytest.raises(StartError, match="'large', which is not there"):
        with_model("large")
    monkeypatch.setenv("DOCENT_RECORDINGS", "kept")
    monkeypatch.setenv("DOCENT_GENERATOR_URL", "http://gpu-server/v1")
    assert with_model("large")["DOCENT_RECORDINGS"] == "kept", "the model there is not ours to look for"


# The table


def test_the_table_has_a_row_for_each_folder() -> None:
    rows = {"handbook": [row("a"), row("b", None), row("c", False)], "squad": [row("d")]}
    rows["handbook"].append({**row("e", False), "off_topic": True})
    figures = {
        "handbook": {
            "facts_held": {"shown": 0.57, "written": None},
            "words": 11.25,
            "wrong_facts": 0.0,
            "refused": 1.0,
        },
        "squad": {"answerability": None},
    }
    lines = [line.split() for line in table(rows, figures).splitlines()]
    assert lines[1] == ["handbook", "1+2+1", ".570", ".000", "1.000", "11.2"]
    assert lines[2] == ["squad", "1+0"]
    assert asked([]) == "0+0"
    assert len({len(line) for line in table(rows, figures).splitlines()}) == 1
    assert cell({"a": {"b": 0.5}}, "a.b") == ".500"


def test_employees_are_both_of_their_folders() -> None:
    rows = {"handbook": [row("a")], "contoso": [row("b")], "squad": [row("c")]}
    assert together(rows) == {"employees": [row("a"), row("b")]}
    assert together({"handbook": [row("a")]}) == {}


def test_a_run_is_compared_with_an_earlier_one(tmp_path: Path) -> None:
    worse = [row(str(n), refused=[float(n < 8), 1], empty=[0, 1]) for n in range(20)]
    better = [row(str(n), refused=[0, 1], empty=[0, 1]) for n in range(20)]
    for name in ("handbook", "contoso"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"per_question": worse}))
    rows = {"handbook": better, "contoso": worse, "squad": worse}
    found = dict(against(tmp_path, rows | together(rows)))
    assert found.keys() == {"handbook", "contoso", "employees"}
    assert found["contoso"] == []
    assert [line.split(" (")[0] for line in found["handbook"]] == ["refused 0.400 -> 0.000"]
    assert found["employees"][0].endswith(", gain")


# From end to end


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOCENT_", "MODEL", "EVAL"))}
    return subprocess.run(
        [sys.executable, "benchmarks/answers.py", *arguments],
        cwd=ROOT, env={**kept, "PYTHONPATH": str(ROOT), **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.models
def test_nothing_is_generated_twice_and_the_report_can_be_read(tmp_path: Path) -> None:
    sets = make_sets(tmp_path / "eval")
    written = [event("It is thirty days"), event(", not 31 [1]."), event(reason="stop"), DONE]
    with scripted_api(ScriptedApi(parts=written)) as api:
        environment = {"DOCENT_GENERATOR_URL": api.url, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        arguments = (str(sets), "--only", "squad-unanswerable", "--reports", str(tmp_path / "first"))
        first = run(*arguments, **environment)
        assert first.returncode == 0, first.stderr
        generated = len(api.requests)
        assert generated > 0
        arguments = (*arguments[:-1], str(tmp_path / "second"), "--baseline", str(tmp_path / "first"))
        second = run(*arguments, **environment)
        assert second.returncode == 0, second.stderr
        assert len(api.requests) == generated
    assert "squad-unanswerable" in first.stdout.splitlines()[1]
    summary, again = (json.loads(done.stdout.splitlines()[-1]) for done in (first, second))
    figures = summary["sets"]["squad-unanswerable"]
    assert figures["facts_held"]["written"] == 1, "what it wrote has no support, so the quotation is the answer"
    times = ("first_token_ms", "tokens")
    assert {k: v for k, v in again["sets"]["squad-unanswerable"].items() if k not in times} == {
        k: v for k, v in figures.items() if k not in times
    }
    assert again["differences"] == {"squad-unanswerable": []}
    report = json.loads((tmp_path / "first" / "squad-unanswerable.json").read_text())
    assert [one["id"] for one in report["per_question"]] == ["leave", "pay"]
    assert "2 answers" in (tmp_path / "first" / "squad-unanswerable.html").read_text()


def test_what_cannot_be_measured_is_said(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    refused = run(missing)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "lacks the evaluation folders handbook, contoso" in refused.stderr
    skipped = run(EVAL=missing)
    assert skipped.returncode == 0
    assert "lacks the evaluation folders" in json.loads(skipped.stdout.splitlines()[-1])["skipped"]


def test_every_column_is_explained() -> None:
    assert len(set(COLUMNS.values())) == len(COLUMNS)
    guide = (ROOT / "docs" / "evaluating.md").read_text(encoding="utf-8")
    assert [name for figure in COLUMNS.values() for name in figure.split(".")[:1] if f"`{name}`" not in guide] == []
