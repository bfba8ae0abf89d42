"""`indexer evaluate FOLDER`: how well the very code that answers finds what a question set says should be found.

A folder holds `questions.jsonl` and either `corpus.jsonl` or `set.json` (docs/evaluating.md). It is ingested into a
temporary data folder. A gold id is a document's path, or `path#p12` for a page, where the pages beside count too.
"""

import json
import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from indexer.documents.chunk import chunk_document
from indexer.documents.extract.text import reader as plain_text
from indexer.documents.scan import ScannedFile
from indexer.embed import Embedder, model_folder
from indexer.errors import StartError
from indexer.ingest import ingest
from indexer.knowledge.encoding import encoded
from indexer.knowledge.index_info import describe_index
from indexer.knowledge.records import put_document
from indexer.knowledge.tables import Collection, Document, known_id
from indexer.passages import Passage, Scope
from indexer.search.answerability import answerability
from indexer.search.retrieve import Retriever
from indexer.settings import IndexerSettings
from indexer.text.word_pieces import SPECIAL_TOKENS, WordPieces

DEPTH = 10
"""Passages asked for a question: the deepest figure is recall@10."""


Measures = dict[str, tuple[float, float]]
"""Of one question: name -> (gained, of). A figure is the sum of the first over the sum of the second."""


@dataclass(frozen=True)
class EvaluationQuestion:
    """One line of `questions.jsonl`."""

    id: str
    question: str
    gold: tuple[str, ...]
    history: tuple[tuple[str, str], ...] = ()  # (role, text)
    answers: tuple[str, ...] = ()
    must: tuple[tuple[str, ...], ...] = ()  # facts that an answer has to hold, each as its alternatives
    answerable: bool | None = True  # None: counts for neither side of abstention

    @property
    def asked_before(self) -> list[str]:
        return [text for role, text in self.history if role == "user"]

    @property
    def asked(self) -> tuple[str, list[str]]:
        """The question and those before it, as a search takes them."""
        return self.question, self.asked_before


@dataclass(frozen=True)
class QuestionResult:
    """How one answerable question went; `found` is the rank (from 1) of each gold id that was found."""

    id: str
    found: dict[str, int]
    gold: int
    ms: float
    answerability: float = 0.0

    def recall(self, k: int) -> float:
        return sum(rank <= k for rank in self.found.values()) / self.gold

    def hit(self, k: int) -> float:
        return float(any(rank <= k for rank in self.found.values()))

    @property
    def reciprocal_rank(self) -> float:
        return 1 / min(self.found.values()) if self.found else 0.0

    def measures(self) -> dict[str, float]:
        """Every measure by its name in the report, 0 to 1."""
        return {
            **{f"recall@{k}": self.recall(k) for k in (1, 5, DEPTH)},
            **{f"hit@{k}": self.hit(k) for k in (1, 5)},
            "ndcg@10": self.ndcg,
            "mrr": self.reciprocal_rank,
        }

    @property
    def ndcg(self) -> float:
        """nDCG@10 with gains of 0 or 1 (Järvelin and Kekäläinen, 2002)."""
        ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(self.gold, DEPTH) + 1))
        gained = sum(1 / math.log2(rank + 1) for rank in self.found.values() if rank <= DEPTH)
        return min(gained / ideal, 1.0)  # one passage may hold two gold ids, as one page of two neighbours does


NOTHING_FOUND = QuestionResult("", {}, 1, 0.0)


@dataclass
class RetrievalReport:
    """Means over the answerable questions; milliseconds include the question's embedding."""

    results: list[QuestionResult] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        times = sorted(result.ms for result in self.results) or [0.0]
        return {
            "questions": len(self.results),
            **{name: self._mean(name) for name in NOTHING_FOUND.measures()},
            "latency_ms": {
                "p50": round(statistics.median(times), 1),
                "p95": round(times[min(len(times) - 1, int(len(times) * 0.95))], 1),
            },
        }

    def _mean(self, measure: str) -> float:
        return round(statistics.fmean(r.measures()[measure] for r in self.results), 4) if self.results else 0.0


def load_questions(folder: Path) -> list[EvaluationQuestion]:
    """The questions of the folder. Raises StartError."""
    try:
        return [_question(row) for row in _rows(folder / "questions.jsonl")]
    except (KeyError, TypeError, AttributeError) as error:
        raise StartError(
            f"{folder} holds a question that is not of the form it should be ({error!r}).",
            "See docs/evaluating.md for it.",
        ) from error


def _rows(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of one JSON object a line. Raises StartError."""
    try:
        text = path.read_text(encoding="utf-8")
        rows = [json.loads(line) for line in text.split("\n") if line.strip()]  # JSON may hold other line separators
    except (OSError, ValueError) as error:
        raise StartError(
            f"{path.parent} holds no readable {path.name} ({error}).", "See docs/evaluating.md for its form."
        ) from error
    if not all(isinstance(row, dict) for row in rows):
        raise StartError(f"A line of {path} is no JSON object.", "See docs/evaluating.md for its form.")
    return rows


def _question(row: dict[str, Any]) -> EvaluationQuestion:
    """Raises KeyError, TypeError, AttributeError where the row is not of the form."""
    return EvaluationQuestion(
        id=str(row["id"]),
        question=_text(row["question"]),
        gold=tuple(dict.fromkeys(_texts(row.get("gold")))),
        history=tuple((_text(turn["role"]), _text(turn["text"])) for turn in row.get("history") or ()),
        answers=_texts(row.get("answers")),
        must=tuple(_texts(alternatives) for alternatives in row.get("must") or ()),
        answerable=row.get("answerable", True),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} where a text should be")
    return value


def _texts(values: Any) -> tuple[str, ...]:
    if isinstance(values, str):
        raise TypeError(f"{values!r} where a list of texts should be")
    return tuple(_text(value) for value in values or ())


def ingest_folder(folder: Path, settings: IndexerSettings, engine: Engine, embedder: Embedder) -> None:
    """Index the folder's corpus into the (temporary) data folder of the settings. Raises StartError."""
    if (folder / "set.json").exists():
        try:
            documents = json.loads((folder / "set.json").read_text(encoding="utf-8"))["documents"]
            corpus = (folder / documents).resolve()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StartError(
                f"{folder} holds no readable set.json ({error!r}).", "See docs/evaluating.md for its form."
            ) from error
        ingest([corpus], settings, engine, lambda: embedder)
    elif (folder / "corpus.jsonl").exists():
        _ingest_passages(_rows(folder / "corpus.jsonl"), settings, engine, embedder)
    else:
        raise StartError(f"{folder} holds neither corpus.jsonl nor set.json.", "See docs/evaluating.md for their form.")


def check_gold(questions: Sequence[EvaluationQuestion], engine: Engine) -> None:
    """Raises StartError when the corpus holds no document that a gold id names: every figure would be zero."""
    with Session(engine) as session:
        paths = set(session.exec(select(Document.path)))
    gold = [id_ for question in questions for id_ in question.gold]
    if gold and not any(id_ in paths or id_.rpartition("#p")[0] in paths for id_ in gold):
        raise StartError(
            f"None of the {len(gold)} gold ids names a document of the corpus; the first is {gold[0][:100]!r}.",
            "They have to be the corpus's ids, or paths relative to the folder that set.json names.",
        )


def gold_texts(questions: Sequence[EvaluationQuestion], engine: Engine) -> dict[str, str]:
    """Title and text of the document that each gold id is of; ids of no document are left out."""
    paths = {id_: (id_, id_.rpartition("#p")[0]) for question in questions for id_ in question.gold}
    wanted = {path for both in paths.values() for path in both}
    with Session(engine) as session:
        found = session.exec(select(Document.path, Document.title, Document.text).where(col(Document.path).in_(wanted)))
        texts = {path: f"{title}\n{text}" for path, title, text in found}
    return {id_: texts[path] for id_, both in paths.items() for path in both if path in texts}


def _ingest_passages(
    rows: Sequence[dict[str, Any]],
    settings: IndexerSettings,
    engine: Engine,
    embedder: Embedder,
) -> None:
    """Each row becomes a document whose path is its id."""
    limit = settings.chunk_tokens - SPECIAL_TOKENS
    try:
        documents = [
            (str(row["id"]), replace(plain_text.extract(row["text"].encode(), "text"), title=row.get("title") or ""))
            for row in rows
        ]
    except (KeyError, AttributeError) as error:
        raise StartError(
            f"A line of corpus.jsonl is not of the form it should be ({error!r}).", "See docs/evaluating.md for it."
        ) from error
    pieces = WordPieces(model_folder(settings.embedder))
    drafts = [chunk_document(document, pieces.offsets, limit) for _, document in documents]
    chunks = [(document.text, draft) for (_, document), own in zip(documents, drafts, strict=True) for draft in own]
    vectors = [one for part in encoded(chunks, embedder) for one in part]
    start = 0
    with Session(engine) as session:
        collection = Collection(name="evaluation")
        session.add(collection)
        session.flush()
        describe_index(session, settings, embedder.dimension)
        for (path, document), own in zip(documents, drafts, strict=True):
            file = ScannedFile(Path("/evaluation"), path)
            put_document(session, known_id(collection), file, "", document, own, vectors[start : start + len(own)])
            start += len(own)
        session.commit()


def evaluate_retrieval(
    questions: Sequence[EvaluationQuestion], retriever: Retriever, scope: Scope
) -> tuple[RetrievalReport, dict[str, list[Passage]]]:
    """The figures over the answerable questions, and the passages found for each question id."""
    report = RetrievalReport()
    passages: dict[str, list[Passage]] = {}
    for question in questions:
        if not (question.answerable and question.gold):
            continue
        started = time.perf_counter()
        retrieved = retriever.retrieve(question.question, question.asked_before, scope, DEPTH)
        ms = (time.perf_counter() - started) * 1000
        passages[question.id] = found = list(retrieved.passages)
        bearing = answerability(retrieved)
        ranks = gold_ranks(question.gold, found)
        report.results.append(QuestionResult(question.id, ranks, len(question.gold), ms, bearing))
    return report, passages


def gold_ranks(gold: Sequence[str], passages: Sequence[Passage]) -> dict[str, int]:
    """The best rank at which each gold id was found, also as another place of a passage's words; ids that were not
    found are left out."""
    ranks: dict[str, int] = {}
    for passage in passages:
        for id_ in gold:
            places = [(passage.document, passage.page), *((one.document, one.page) for one in passage.also_in)]
            if id_ not in ranks and any(matches_gold(id_, document, page) for document, page in places):
                ranks[id_] = passage.rank
    return ranks


def matches_gold(gold: str, document: str, page: int | None) -> bool:
    """Whether a place in a document is what a gold id means: the same path and, for `#p12`, page 11, 12 or 13."""
    if gold == document:
        return True
    path, marker, number = gold.rpartition("#p")
    if not marker or not number.isdigit() or path != document:
        return False
    return page is not None and abs(page - int(number)) <= 1
