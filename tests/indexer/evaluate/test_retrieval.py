"""The figures on rankings worked out by hand, and question folders that are not what they should be."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from indexer.errors import StartError
from indexer.evaluate.retrieval import (
    EvaluationQuestion,
    QuestionResult,
    RetrievalReport,
    check_gold,
    evaluate_retrieval,
    gold_ranks,
    gold_texts,
    ingest_folder,
    load_questions,
    matches_gold,
)
from indexer.knowledge.catalog import Catalog
from indexer.passages import Passage
from indexer.search.retrieve import Retriever
from indexer.search.store import Store
from indexer.settings import IndexerSettings
from indexer.verify import verify_index
from tests.word_embedder import WordEmbedder


def passage(rank: int, document: str, page: int | None = None) -> Passage:
    return Passage(rank, 1.0, 1.0, 1, 1, document, "", "", page, 0, 1, "x", "")


def test_measures_by_hand() -> None:
    result = QuestionResult("q", {"a": 2, "b": 6}, gold=3, ms=1.0)
    assert [result.recall(k) for k in (1, 5, 10)] == pytest.approx([0, 1 / 3, 2 / 3])
    assert [result.hit(k) for k in (1, 5)] == [0, 1]
    assert result.reciprocal_rank == 0.5
    # (1/log2(3) + 1/log2(7)) / (1/log2(2) + 1/log2(3) + 1/log2(4)) = 0.98714 / 2.13093
    assert result.ndcg == pytest.approx(0.46324, abs=1e-4)


def test_the_best_and_the_worst_result() -> None:
    assert QuestionResult("q", {"a": 1, "b": 2}, gold=2, ms=1).ndcg == pytest.approx(1)
    nothing = QuestionResult("q", {}, gold=2, ms=1)
    assert (nothing.ndcg, nothing.reciprocal_rank, nothing.recall(10), nothing.hit(5)) == (0, 0, 0, 0)


def test_more_gold_than_passages_can_still_be_perfect() -> None:
    assert QuestionResult("q", {str(n): n for n in range(1, 11)}, gold=40, ms=1).ndcg == pytest.approx(1)


def test_one_passage_that_holds_two_gold_ids_is_no_more_than_perfect() -> None:
    assert QuestionResult("q", {"x#p3": 1, "x#p4": 1}, gold=2, ms=1).ndcg == 1


def test_the_summary_is_the_mean_and_the_percentiles() -> None:
    results = [QuestionResult(str(n), {"a": 1} if n % 2 else {}, 1, ms=float(n)) for n in range(1, 101)]
    summary = RetrievalReport(results).summary()
    assert summary["questions"] == 100
    assert summary["recall@5"] == summary["hit@1"] == summary["ndcg@10"] == summary["mrr"] == 0.5
    assert summary["latency_ms"] == {"p50": 50.5, "p95": 96.0}


def test_no_questions_are_no_error() -> None:
    summary = RetrievalReport().summary()
    assert summary["questions"] == summary["recall@5"] == 0


def test_a_gold_id_counts_once_at_its_best_rank() -> None:
    found = [passage(1, "b"), passage(2, "a"), passage(3, "a"), passage(4, "c")]
    assert gold_ranks(("a", "c", "missing"), found) == {"a": 2, "c": 4}


@pytest.mark.parametrize(
    ("gold", "document", "page", "hit"),
    [
        ("a.pdf", "a.pdf", 7, True),
        ("a.pdf#p12", "a.pdf", 12, True),
        ("a.pdf#p12", "a.pdf", 11, True),
        ("a.pdf#p12", "a.pdf", 13, True),
        ("a.pdf#p12", "a.pdf", 10, False),
        ("a.pdf#p12", "a.pdf", 14, False),
        ("a.pdf#p12", "a.pdf", None, False),
        ("a.pdf#p12", "b.pdf", 12, False),
        ("a#p1.md", "a#p1.md", None, True),
        ("a.pdf#px", "a.pdf", 1, False),
        ("#p1", "", 1, True),
    ],
)
def test_what_a_gold_id_means(gold: str, document: str, page: int | None, hit: bool) -> None:
    assert matches_gold(gold, document, page) is hit


# Folders


def write(folder: Path, *rows: object) -> Path:
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n", encoding="utf-8")
    return folder


def test_questions_are_read(tmp_path: Path) -> None:
    history = [{"role": "user", "text": "Before?"}, {"role": "assistant", "text": "So."}]
    row = {"id": 7, "question": "What?", "gold": ["a", "a", "b"], "history": history, "must": [["x", "y"]]}
    unanswerable = {"id": "u", "question": "Why?", "answerable": False, "gold": None, "history": None}
    first, second = load_questions(write(tmp_path, row, unanswerable))
    assert (first.id, first.gold, first.asked_before, first.must) == ("7", ("a", "b"), ["Before?"], (("x", "y"),))
    assert first.answerable
    assert (second.answerable, second.gold) == (False, ())


def test_other_line_separators_inside_a_question_are_kept(tmp_path: Path) -> None:
    row = json.dumps({"id": 1, "question": "one\u2028two\x85three"}, ensure_ascii=False)
    (tmp_path / "questions.jsonl").write_text(row, encoding="utf-8")
    assert load_questions(tmp_path)[0].question == "one\u2028two\x85three"


@pytest.mark.parametrize(
    "row",
    [
        {"id": 1},
        {"question": "x"},
        {"id": 1, "question": 5},
        {"id": 1, "question": "x", "gold": "a"},
        {"id": 1, "question": "x", "history": ["before"]},
        {"id": 1, "question": "x", "must": ["word"]},
        ["a", "list"],
        "a text",
    ],
)
def test_rows_of_another_form_are_refused(row: object, tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"docs/evaluating\.md"):
        load_questions(write(tmp_path, row))


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"nonsense\n"])
def test_what_is_no_json_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "questions.jsonl").write_bytes(content)
    with pytest.raises(StartError, match=r"no readable questions\.jsonl"):
        load_questions(tmp_path)


def test_a_folder_without_questions(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"no readable questions\.jsonl"):
        load_questions(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("corpus.jsonl", '{"id": "a"}'),
        ("corpus.jsonl", '{"id": "a", "text": 5}'),
        ("corpus.jsonl", "["),
        ("set.json", "{}"),
        ("set.json", "[]"),
        ("set.json", '{"documents": "missing"}'),
        ("other.txt", ""),
    ],
)
def test_a_corpus_of_another_form_is_refused(
    name: str, content: str, tmp_path: Path, settings: IndexerSettings, engine: Engine, embedder: WordEmbedder
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(StartError):
        ingest_folder(tmp_path, settings, engine, embedder)  # type: ignore[arg-type]


def test_gold_that_the_corpus_does_not_hold_is_said_rather_than_counted_as_zero(
    tmp_path: Path, settings: IndexerSettings, engine: Engine, embedder: WordEmbedder
) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"id": "leave.pdf", "title": "", "text": "Leave is 25 days."}\n')
    ingest_folder(tmp_path, settings, engine, embedder)  # type: ignore[arg-type]
    check_gold([EvaluationQuestion("1", "Leave?", ("other.pdf", "leave.pdf#p2"))], engine)
    check_gold([EvaluationQuestion("1", "Leave?", (), answerable=False)], engine)
    with pytest.raises(StartError, match="moved/leave"):
        check_gold([EvaluationQuestion("1", "Leave?", ("moved/leave.pdf",))], engine)


def test_gold_documents_are_read_whole_with_their_titles(
    tmp_path: Path, settings: IndexerSettings, engine: Engine, embedder: WordEmbedder
) -> None:
    rows = [
        {"id": "leave.pdf", "title": "Leave", "text": "Leave is 25 days."},
        {"id": "a#p1", "title": "", "text": "An odd name."},
    ]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)))
    ingest_folder(tmp_path, settings, engine, embedder)  # type: ignore[arg-type]
    questions = [
        EvaluationQuestion("1", "Leave?", ("leave.pdf#p2", "gone.pdf", "gone.pdf#p1")),
        EvaluationQuestion("2", "Odd?", ("a#p1", "leave.pdf")),
    ]
    leave = "Leave\nLeave is 25 days."
    assert gold_texts(questions, engine) == {"leave.pdf#p2": leave, "a#p1": "\nAn odd name.", "leave.pdf": leave}


def evaluated(folder: Path, settings: IndexerSettings, engine: Engine) -> dict[str, float]:
    embedder = WordEmbedder()
    ingest_folder(folder, settings, engine, embedder)  # type: ignore[arg-type]
    assert verify_index(settings, engine) == []
    store = Store(engine, settings.index_path)
    store.load()
    retriever = Retriever(engine, embedder, store, settings)  # type: ignore[arg-type]
    report, passages = evaluate_retrieval(load_questions(folder), retriever, Catalog(engine).everything())
    assert passages.keys() == {"leave"}
    return report.summary()


QUESTIONS = (
    {"id": "leave", "question": "How much annual leave?", "gold": ["leave.md"]},
    {"id": "open", "question": "What is the meaning?", "answerable": False},
    {"id": "no gold", "question": "Anything?"},
)


def test_a_corpus_of_passages(tmp_path: Path, settings: IndexerSettings, engine: Engine) -> None:
    rows = [
        {"id": "leave.md", "title": "Leave", "text": "Annual leave is thirty days.\u2028Ask first."},
        {"id": "pay.md", "title": None, "text": "Salaries are paid monthly."},
        {"id": "empty.md", "text": ""},
    ]
    (tmp_path / "corpus.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    summary = evaluated(write(tmp_path, *QUESTIONS), settings, engine)
    assert (summary["questions"], summary["recall@1"], summary["mrr"]) == (1, 1, 1)


def test_a_corpus_of_files(tmp_path: Path, settings: IndexerSettings, engine: Engine) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "leave.md").write_text("Annual leave is thirty days.")
    (tmp_path / "files" / "pay.md").write_text("Salaries are paid monthly.")
    (tmp_path / "set.json").write_text('{"documents": "files"}')
    summary = evaluated(write(tmp_path, *QUESTIONS), settings, engine)
    assert (summary["questions"], summary["recall@1"]) == (1, 1)


def test_only_what_the_user_said_is_history() -> None:
    question = EvaluationQuestion("1", "x", (), history=(("user", "a"), ("assistant", "b"), ("user", "c")))
    assert question.asked_before == ["a", "c"]
