"""`indexer ingest` calibrates what it indexed, `indexer calibrate` does it anew; with the real embedder."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from indexer.cli import main
from indexer.knowledge.calibration import Calibration, read_calibration
from indexer.settings import IndexerSettings

pytestmark = pytest.mark.models

SUBJECTS = ("laptops", "rooms", "desks", "badges", "keys", "phones", "vans", "tools", "screens", "licences", "chairs")
DEEDS = ("borrow", "return", "replace")


def indexer(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == status, result.output
    return result


@pytest.fixture
def docs(tmp_path: Path, settings: IndexerSettings, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCENT_DATA", str(settings.data))
    monkeypatch.chdir(settings.data.parent)
    folder = tmp_path / "docs"
    folder.mkdir()
    for deed in DEEDS:
        for subject in SUBJECTS:
            text = f"# {deed} {subject}\n\nEmployees who want to {deed} {subject} ask the office in writing."
            (folder / f"{deed}-{subject}.md").write_text(text)
    return folder


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    rows: list[dict[str, Any]] = [
        {"id": f"{deed} {subject}", "question": f"How do I {deed} {subject}?", "gold": [f"{deed}-{subject}.md"]}
        for deed in DEEDS
        for subject in SUBJECTS
    ]
    rows.append({"id": "no", "question": "Who painted the night sky over Arles?", "gold": [], "answerable": False})
    folder = tmp_path / "labelled"
    folder.mkdir()
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def test_from_the_first_ingest_to_labelled_questions_and_back(
    docs: Path, labelled: Path, engine: Engine, settings: IndexerSettings
) -> None:
    indexer("ingest", str(docs))
    found = read_calibration(engine)
    assert found != Calibration()
    assert 0 < found.deviation < 0.3

    fitted = json.loads(indexer("calibrate", str(labelled), "--json").stdout)
    assert (fitted["unanswerable"], fitted["refused"]) == (1, 1)
    assert fitted["least"] == pytest.approx(read_calibration(engine).least(settings.false_refusals), abs=1e-4)
    assert len(read_calibration(engine).labelled) == len(DEEDS) * len(SUBJECTS)
    assert "are 1" in indexer("calibrate", str(labelled)).stderr

    indexer("calibrate")
    again = read_calibration(engine)
    assert again.labelled == ()
    assert (again.mean, again.deviation) == pytest.approx((found.mean, found.deviation), abs=1e-6)  # float32 sums

    indexer("calibrate", str(labelled))
    indexer("rebuild")
    assert read_calibration(engine).labelled == ()
    assert read_calibration(engine).mean == pytest.approx(found.mean, abs=1e-3)


def test_a_folder_without_questions_is_named(docs: Path, labelled: Path) -> None:
    (labelled / "questions.jsonl").unlink()
    assert "no readable questions.jsonl" in indexer("calibrate", str(labelled), status=2).stderr
