"""What questions are answered with: the parts of a running server, which come and go while it runs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from indexer.errors import program
from indexer.knowledge.calibration import read_calibration
from indexer.knowledge.catalog import Catalog
from indexer.passages import Scope
from indexer.search.retrieve import Retriever
from server.answering.abstention import says_nothing
from server.errors import Unavailable
from server.llm.catalogue import DEFAULT_MODEL
from server.llm.generator import Generator, GeneratorState
from server.llm.model_files import NO_MODEL_NAME
from server.settings import ServerSettings

FIRST = 2
"""Passages among which a question finds the document that it is about; the others may be of anything."""
MODEL_OPENS = "The language model is opened."
NO_MODEL = "No language model is installed: answers are the documents' own sentences."
INSTALL = f"Run `{program('docent')} models pull {DEFAULT_MODEL}`, then start the server again."
LEFT_OUT = "DOCENT_MODEL is `none`: answers are the documents' own sentences."
NAME_ONE = "Name a model there, or leave it empty, then start the server again."


def no_model(settings: ServerSettings) -> str:
    """Why there is none, and what to do: where none is being fetched and none has failed."""
    return f"{LEFT_OUT} {NAME_ONE}" if settings.model.lower() == NO_MODEL_NAME else f"{NO_MODEL} {INSTALL}"


@dataclass(kw_only=True)
class Means:
    """`generator` is None in extractive mode, `retriever` while the search does not work: `search_state` says why."""

    settings: ServerSettings
    catalog: Catalog
    retriever: Retriever | None = None
    generator: Generator | None = None
    search_state: GeneratorState = field(default_factory=lambda: GeneratorState("loading", "The search model loads."))
    opened: asyncio.Event = field(default_factory=asyncio.Event)  # both were opened, or could not be
    model_opened: asyncio.Event = field(default_factory=asyncio.Event)  # the generator alone was

    def without_model(self) -> Unavailable:
        """What is said where only a language model can answer, and there is none: why, and what to do."""
        return Unavailable(f"This needs a language model. {no_model(self.settings)}", code="model_not_installed")

    def finds(self, question: str, scope: Scope, document_id: int) -> bool:
        """Whether the search finds an answer to a question, a good part of it in this document; no, while it does not
        work. Blocks: call it in a thread."""
        if self.retriever is None:
            return False
        found = self.retriever.retrieve(question, [], scope)
        first = [passage.document_id for passage in found.passages[:FIRST]]
        return document_id in first and not says_nothing(found, self.least_answerability())

    def answers(self, question: str, before: Sequence[str], scope: Scope, document_id: int) -> bool:
        """Whether a question that is asked after others would be answered by the search's judgement, in the middle of
        its conversation and alone, a good part of it from this document; no, while the search does not work. Blocks."""
        if self.retriever is None or not self.finds(question, scope, document_id):
            return False
        found = self.retriever.retrieve(question, before, scope)
        return not says_nothing(found, self.least_answerability())

    def least_answerability(self, most: float = 1.0) -> float:
        """Below it the documents do not say: what was calibrated for them, and the share of false refusals that is set,
        `most` of them at most. Blocks."""
        return read_calibration(self.catalog.engine).least(min(most, self.settings.false_refusals))
