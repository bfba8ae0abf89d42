"""Example questions for the first visit: those that search finds an answer to, and finds it where the question is from.

They are written by a language model (example_questions.py) where one has had the time, and made of headings
(example_headings.py) where not. What was found is kept in the data folder, so that it is there when the page is, after
a restart too. It can be deleted: everything in it is made anew.
"""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock

from sqlalchemy import ColumnElement, Engine
from sqlmodel import Session, col, select

from indexer.knowledge.generations import is_current
from indexer.knowledge.readable import is_one_of, readable_documents
from indexer.knowledge.tables import Chunk, Document
from indexer.passages import Scope
from server.library.example_headings import Candidate, choose

log = logging.getLogger(__name__)

LOOKED_AT = 3000  # chunks; enough to choose four from, quick to read
WANTED = 4  # questions
TRIED = 3  # headings for each question wanted: some have no answer under them
SCOPES = 100  # of which they are remembered: each choice of documents is one
KEPT = 12  # that a model wrote: some documents are deleted, and not everybody may read all

CanAnswer = Callable[[str, Scope, int], bool]
"""Whether the search finds an answer to a question inside a scope, and finds it in the document of this id."""


@dataclass(frozen=True)
class Example:
    question: str
    document_id: int
    written: bool = False  # by a language model


@dataclass(frozen=True)
class Found:
    """Questions that the documents could answer when the index was true up to `change`."""

    questions: list[str]
    change: int

    def is_due(self, change: int, *, settled: bool) -> bool:
        """Whether to look anew at `change`: when nothing is being read, and where nothing was found also while much is,
        each time that as much again was read."""
        if settled:
            return change != self.change
        return not self.questions and change != self.change and change >= 2 * self.change


class Examples:
    """The example questions of one server, kept for each scope until an ingest has ended. Thread-safe.

    A search for them takes up to `TRIED` searches of the index for each question wanted, so there is one at a time.
    """

    def __init__(self, engine: Engine, path: Path) -> None:
        """`path`: the file in which they are kept."""
        self.engine = engine
        self._path = path
        self._kept = _read(path)
        self._found: dict[Scope, Found] = {}
        self._searching = Lock()

    def known(self, scope: Scope) -> list[str]:
        """What was found last, by this server or the one before it; empty where nothing was."""
        found = self._found.get(scope)
        if found:
            return found.questions
        return [one.question for one in self._there(self._kept, readable_documents(scope))[:WANTED]]

    def is_due(self, scope: Scope, change: int, *, settled: bool) -> bool:
        """Whether `find` would search. `change`: up to which the index is true; `settled`: no ingest goes on."""
        found = self._found.get(scope)
        return found is None or found.is_due(change, settled=settled)

    def find(self, scope: Scope, change: int, can_answer: CanAnswer, *, settled: bool = False) -> list[str]:
        """At most `WANTED` questions that the documents can answer, of different documents where there are enough: what
        is known, unless `is_due`. Waits while another thread searches."""
        with self._searching:
            if self.is_due(scope, change, settled=settled):
                examples = self.written(scope)[:WANTED]
                for candidate in self._candidates(scope, without={one.document_id for one in examples}):
                    if len(examples) == WANTED:
                        break
                    if can_answer(candidate.question, scope, candidate.document_id):
                        examples.append(Example(candidate.question, candidate.document_id))
                others = {} if settled else self._found  # what others may read has changed as well
                if len(others) >= SCOPES:
                    others = {}
                self._found = {**others, scope: Found([one.question for one in examples], change)}
                if not scope.documents:  # the first page asks everything, whatever somebody has chosen
                    self._keep([one for one in examples if not one.written])
            return self._found[scope].questions

    def written(self, scope: Scope) -> list[Example]:
        """Those of the scope that a language model wrote."""
        return self._there([one for one in self._kept if one.written], readable_documents(scope))

    def add(self, question: str, document_id: int) -> None:
        """One that a language model wrote: it is shown before those made of headings, from the next search for them."""
        with self._searching:
            self._kept = [Example(question, document_id, written=True), *self._kept]
            self._keep([one for one in self._kept if not one.written])
            self._found = {}

    def _candidates(self, scope: Scope, without: set[int]) -> list[Candidate]:
        headings = ((id_, heading) for id_, heading in _headings(self.engine, scope) if id_ not in without)
        return choose(headings, TRIED * WANTED)

    def _there(self, examples: Sequence[Example], condition: ColumnElement[bool]) -> list[Example]:
        """Those whose document meets it."""
        if not examples:
            return []
        ids = {one.document_id for one in examples}
        with Session(self.engine) as session:
            there = set(session.exec(select(Document.id).where(is_one_of(Document.id, ids), condition)))
        return [one for one in examples if one.document_id in there]

    def _keep(self, made: Sequence[Example]) -> None:
        """What models have written of documents that are there, and what was made of headings last."""
        written = [one for one in self._kept if one.written]
        kept = [*self._there(written, col(Document.deleted_at).is_(None)), *made]
        self._kept = kept
        _write(self._path, kept)


def _headings(engine: Engine, scope: Scope) -> Iterable[tuple[int, str]]:
    """(document, heading path), each once."""
    with Session(engine) as session:
        rows = session.exec(
            select(Chunk.document_id, Chunk.sections)
            .join(Document)
            .where(readable_documents(scope), is_current())
            .limit(LOOKED_AT)
        ).all()
    return dict.fromkeys((id_, heading) for id_, sections in rows for _, heading in json.loads(sections) if heading)


def _read(path: Path) -> list[Example]:
    """What was kept; nothing where the file is missing or damaged, since it is made anew."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return [Example(str(one["question"]), int(one["document_id"]), bool(one["written"])) for one in kept]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.warning("%s is damaged and is made anew: %s", path.name, error)
        return []


def _write(path: Path, examples: Sequence[Example]) -> None:
    """Whole or not at all. A full disk costs only that they are looked for again after a restart."""
    draft = path.with_name(f".{path.name}")
    try:
        draft.write_text(json.dumps([asdict(one) for one in examples], ensure_ascii=False), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        log.warning("the example questions are not kept: %s", error.strerror)
        with suppress(OSError):
            draft.unlink(missing_ok=True)
