"""An index is taken from where it was kept only while nothing that it is made of has changed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.errors import StartError
from indexer.evaluate import kept_index
from indexer.evaluate.kept_index import KeptIndex
from indexer.settings import IndexerSettings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An evaluation folder over a folder of files."""
    corpus = tmp_path / "documents"
    (corpus / "pages").mkdir(parents=True)
    (corpus / "pages" / "leave.md").write_text("Leave is 25 days.")
    folder = tmp_path / "handbook"
    folder.mkdir()
    (folder / "set.json").write_text(json.dumps({"documents": "../documents"}))
    (folder / "questions.jsonl").write_text("")
    return folder


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for the code of the indexer."""
    code = tmp_path / "indexer"
    for name in ("ingest.py", "evaluate/facts.py"):
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).write_text("")
    monkeypatch.setattr(kept_index, "CODE", code)
    return code


def data(tmp_path: Path, name: str, **files: str) -> IndexerSettings:
    settings = IndexerSettings(data=tmp_path / name)
    (settings.data / "index").mkdir(parents=True)
    for file, text in files.items():
        (settings.data / "index" / file).write_text(text)
    return settings


def restored(folder: Path, tmp_path: Path, name: str = "other", **settings: int) -> bool:
    changed = data(tmp_path, name).model_copy(update=settings)
    return KeptIndex(tmp_path / "kept", folder, changed).restore()


def test_what_was_kept_comes_back(folder: Path, tmp_path: Path) -> None:
    first = data(tmp_path, "first", vectors="1 2 3")
    kept = KeptIndex(tmp_path / "kept", folder, first)
    assert not kept.restore()
    kept.keep()
    assert (tmp_path / "kept" / "handbook.index").stat().st_mode & 0o077 == 0
    (first.data / "index" / "vectors").write_text("changed later, by a server")
    second = data(tmp_path, "second")
    assert KeptIndex(tmp_path / "kept", folder, second).restore()
    assert (second.data / "index" / "vectors").read_text() == "1 2 3"


CHANGES: list[Callable[[Path, Path], object]] = [
    lambda folder, code: (folder.parent / "documents" / "pages" / "leave.md").write_text("Leave is 26 days."),
    lambda folder, code: (folder.parent / "documents" / "pay.md").write_text(""),
    lambda folder, code: (folder.parent / "documents" / "pages").rename(folder.parent / "documents" / "moved"),
    lambda folder, code: (code / "ingest.py").write_text("# another way"),
    lambda folder, code: (code / "text.py").write_text(""),
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_indexed_anew(
    change: Callable[[Path, Path], object], folder: Path, code: Path, tmp_path: Path
) -> None:
    KeptIndex(tmp_path / "kept", folder, data(tmp_path, "first")).keep()
    assert restored(folder, tmp_path)
    change(folder, code)
    assert not restored(folder, tmp_path, "third")


def test_other_settings_make_another_index(folder: Path, code: Path, tmp_path: Path) -> None:
    KeptIndex(tmp_path / "kept", folder, data(tmp_path, "first")).keep()
    assert not restored(folder, tmp_path, chunk_tokens=100)


def test_other_questions_and_other_measures_do_not(folder: Path, code: Path, tmp_path: Path) -> None:
    KeptIndex(tmp_path / "kept", folder, data(tmp_path, "first")).keep()
    (folder / "questions.jsonl").write_text("{}")
    (code / "evaluate" / "facts.py").write_text("# another measure")
    assert restored(folder, tmp_path)


def test_the_newest_alone_is_kept_and_nothing_that_is_not_ours_goes(folder: Path, code: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "kept" / "handbook.index" / "notes"
    theirs.mkdir(parents=True)
    for words in ("one", "two"):
        (folder.parent / "documents" / "pay.md").write_text(words)
        KeptIndex(tmp_path / "kept", folder, data(tmp_path, words)).keep()
    assert len(list(theirs.parent.iterdir())) == 2
    assert theirs.is_dir()
    assert restored(folder, tmp_path)


def test_a_corpus_of_passages_is_one_file(tmp_path: Path, code: Path) -> None:
    squad = tmp_path / "squad"
    squad.mkdir()
    (squad / "corpus.jsonl").write_text('{"id": "a"}')
    KeptIndex(tmp_path / "kept", squad, data(tmp_path, "first")).keep()
    assert restored(squad, tmp_path)
    (squad / "corpus.jsonl").write_text('{"id": "b"}')
    assert not restored(squad, tmp_path, "third")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"documents": 5}', "{"])
def test_a_corpus_that_cannot_be_read_is_said(content: str, folder: Path, tmp_path: Path) -> None:
    (folder / "set.json").write_text(content)
    with pytest.raises(StartError, match="cannot be read"):
        KeptIndex(tmp_path / "kept", folder, data(tmp_path, "first"))


def test_a_folder_that_takes_nothing_is_said(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file")
    with pytest.raises(StartError, match="Name another --index"):
        KeptIndex(tmp_path / "kept", folder, data(tmp_path, "first")).keep()
