"""The benchmark of passages runs from end to end on a tiny model, and says why where it cannot."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.passages import divergence, questions
from tests.tiny_gguf import TinyModel, write_tiny_gguf

ROOT = Path(__file__).parents[1]
TOPICS = ("leave", "travel", "claims", "doors", "lunch")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    records = [
        {"id": t, "title": t, "text": f"About {t} it is said that {t} takes {n} days. " * 4}
        for n, t in enumerate(TOPICS)
    ]
    asked = [
        {"id": t, "question": f"How long does {t} take?", "gold": [t], "answers": [f"{n} days"], "answerable": True}
        for n, t in enumerate(TOPICS)
    ]
    for name, lines in (("corpus", records), ("questions", asked)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return folder


def run(*arguments: str) -> dict[str, object]:
    command = [sys.executable, str(ROOT / "benchmarks" / "passages.py"), *arguments]
    done = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, check=True)
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_question_has_its_right_passage_and_those_of_its_words(folder: Path) -> None:
    asked = questions(folder, 3, random.Random(1), mixed=False)
    assert len(asked) == len(TOPICS)
    for one in asked:
        assert len(one.passages) == 3
        assert one.question.gold[0] in {passage.title for passage in one.passages}
        assert [bool(m.passages) for m in one.messages(exact=False)] == [False, True]
        assert not any(message.passages for message in one.messages(exact=True))


def test_from_end_to_end(folder: Path, tmp_path: Path) -> None:
    model = write_tiny_gguf(tmp_path / "tiny.gguf", TinyModel(ends=False, context=4096))
    found = run(
        str(folder), "--model", str(model), "--questions", "2", "--passages", "2", "--draws", "20", "--threads", "1"
    )
    read = found["read"]
    assert isinstance(read, dict)
    assert read["memory"] == read["disk"] < read["full"] / 2
    draws = found["draws"]
    assert isinstance(draws, dict)
    assert draws["from_memory"] > 0.5


def test_without_a_set_nothing_is_measured(tmp_path: Path) -> None:
    assert "skipped" in run(str(tmp_path / "nowhere"))


def test_two_equal_distributions_do_not_diverge() -> None:
    assert divergence({"a": -0.1, "b": -2.0}, {"a": -0.1, "b": -2.0}) == 0
    assert divergence({"a": -0.1, "b": -3.0}, {"b": -0.1, "a": -3.0}) > 1
