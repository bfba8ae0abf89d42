"""When retrieval alone is sure that the documents do not say, and the answers that say so (pure)."""

import re

from indexer.errors import program
from indexer.passages import Retrieved
from indexer.search.answerability import answerability
from indexer.text.terms import content_terms
from server.answering.events import Answer, AnswerEvent, Mode, Sources, Text, Timing
from server.answering.other_language import instead_of_a_refusal
from server.answering.prompt import NOT_FOUND

OWN_TERMS = 3
"""Content words of a follow-up that is judged by them alone too: "even DMs?" has one."""
_POINTS_BACK = re.compile(
    r"\b(?:it|its|this|that|these|those|they|them|their|there|he|she|him|her|his|one|ones|same|other|others|another"
    r"|also|too|else|instead|then|again|such|above)\b|^(?:and|or|but|so|what about|how about|what if|why|ok|okay)\b",
    re.I,
)

NOTHING_INDEXED = f"Nothing is indexed yet. Run `{program('indexer')} ingest FOLDER`, then ask again."
NOTHING_CHOSEN = "What was asked is not there any more. Choose something else, or ask all documents."


def says_nothing(retrieved: Retrieved, least: float) -> bool:
    """Whether what was found bears less on the question than an answer would: `least`, of these documents."""
    return answerability(retrieved) < least


def stands_alone(question: str) -> bool:
    """Whether a follow-up can be understood without what came before it: nothing in it points back."""
    return len(set(content_terms(question))) >= OWN_TERMS and not _POINTS_BACK.search(question)


def refuse(retrieved: Retrieved, took: Timing, unread: int = 0) -> list[AnswerEvent]:
    """That the documents do not say, with the closest passages; and how many files are still `unread`. Of a question in
    another language only that none of these answers it, as the documents may say it all the same."""
    said = instead_of_a_refusal(retrieved.question, (passage.text for passage in retrieved.passages)) or NOT_FOUND
    text = f"{said} {_not_yet(unread)}" if unread else said
    return _said(Answer(text, NOT_FOUND, False, "extractive", closest=retrieved.passages, took_ms=took))


def _not_yet(unread: int) -> str:
    what = "One file is not read yet" if unread == 1 else f"{unread:,} files are not read yet"
    return f"{what}: ask again when it is." if unread == 1 else f"{what}: ask again when they are."


def nothing_to_ask(mode: Mode, *, chosen: bool) -> list[AnswerEvent]:
    """That there is nothing to ask about yet, or of what was `chosen` no more, and what to do."""
    said = NOTHING_CHOSEN if chosen else NOTHING_INDEXED
    return _said(Answer(said, said, False, mode))


def _said(answer: Answer) -> list[AnswerEvent]:
    return [Sources(()), Text(answer.text), answer]
