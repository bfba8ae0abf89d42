"""The whole way of a question:

wait for what loads -> refuse what cannot be answered -> contextualise and search -> abstain or choose evidence
-> prompt -> generate -> check citations -> answer
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from indexer.passages import Retrieved
from server.answering.abstention import nothing_to_ask
from server.answering.checker import Checker, Unchecked
from server.answering.citations import CitationChecker, cited_in
from server.answering.context_window import Prompt, check_length, fit_prompt
from server.answering.events import (
    Answer,
    AnswerEvent,
    Clock,
    Evidence,
    Meanwhile,
    Mode,
    Progress,
    Question,
    Searched,
    Sources,
)
from server.answering.evidence import numbered, select_evidence, still_elsewhere, whole_evidence
from server.answering.extractive import answer_without_model
from server.answering.means import MODEL_OPENS, Means
from server.answering.quotes import best_quote
from server.answering.read_before import whole_where_read
from server.answering.refusing import NOT_JUDGED, by_model, by_search, is_judged, refusal
from server.answering.search import search
from server.answering.writing import write
from server.errors import Unavailable
from server.llm.generator import Generator, can_write

EVIDENCE_SHARE = 2
"""Evidence takes at most one part in this many of the model's context, whatever the settings allow."""
POLL = 0.2  # seconds between two looks at a model that loads


async def answer(question: Question, means: Means) -> AsyncGenerator[AnswerEvent, None]:
    """Events up to one `Answer`. Raises RequestError; closing the iterator frees the model at once."""
    async for opening in _until_opened(question, means):
        yield opening
    generator = means.generator
    _check_means(question, means)
    await asyncio.to_thread(check_length, question, generator)
    if question.may_be_refused and not await asyncio.to_thread(means.catalog.has_documents, question.scope):
        mode: Mode = "extractive" if generator is None else "model"
        for event in nothing_to_ask(mode, chosen=bool(question.scope.documents)):
            yield event
        return

    clock = Clock()
    question = await asyncio.to_thread(_of_today, question, means)
    retrieved: Retrieved | None = None
    bearing = NOT_JUDGED
    if question.is_searched and means.retriever is not None:
        yield Progress("searching")
        retrieved = await search(question, means.retriever, generator, standalone=means.settings.standalone)
        clock.retrieved()
        if retrieved.searched or retrieved.together_with:
            yield Searched(retrieved.searched, retrieved.together_with)
        bearing = await asyncio.to_thread(by_search, question, retrieved, means)
        if not bearing.answers:
            for event in await asyncio.to_thread(refusal, question, retrieved, bearing, means, clock):
                yield event
            return
        if generator is not None and generator.state.state == "loading":
            found = numbered(whole_evidence(retrieved, question.shown_still, question.following))
            for to_read in await asyncio.to_thread(_to_read, question, retrieved, found):
                yield to_read  # until the model can count its tokens

    async for loading in _until_ready(generator):
        yield loading
    if not can_write(generator):
        why = generator.state.detail if generator else "None is installed."
        for event in await asyncio.to_thread(list, answer_without_model(question, retrieved, why, clock)):
            yield event
        return

    prompt = await asyncio.to_thread(_prompt, question, retrieved, generator, means.settings.evidence_tokens)
    for to_read in await asyncio.to_thread(_to_read, question, retrieved, prompt.evidence):
        yield to_read
    if retrieved is not None and is_judged(question, generator):
        async with aclosing(by_model(retrieved, prompt, generator, means)) as judging:
            async for judged in judging:
                if isinstance(judged, Progress):
                    yield judged
                else:
                    bearing = judged
        if not bearing.answers:
            for event in await asyncio.to_thread(refusal, question, retrieved, bearing, means, clock):
                yield event
            return
    checker = await asyncio.to_thread(_checker, question, prompt, means)
    written = write(question, prompt, generator, checker, retrieved, clock)
    async with aclosing(written) as events:
        async for event in events:
            yield replace(event, answerability=bearing.answerability) if isinstance(event, Answer) else event


async def _until_opened(question: Question, means: Means) -> AsyncGenerator[Progress, None]:
    opened = means.opened if question.retrieval else means.model_opened
    if not opened.is_set():
        yield Progress("loading", detail=means.search_state.detail if question.retrieval else MODEL_OPENS)
        await opened.wait()


def _check_means(question: Question, means: Means) -> None:
    """Raises Unavailable where what a question cannot do without is not there."""
    generator = means.generator
    if question.needs_model and generator is None:
        raise means.without_model()
    if question.needs_model and generator is not None and generator.state.state == "failed":
        raise Unavailable(f"This needs a language model. {generator.state.detail}", code="model_failed")
    if question.is_searched and means.retriever is None:
        raise Unavailable(f"The search does not work: {means.search_state.detail}", code="search_failed")


def _of_today(question: Question, means: Means) -> Question:
    """The question, what earlier turns have shown withdrawn where the documents do not say it any more; of other places
    of its words those are left that hold them still."""
    shown = [e.passage for e in question.shown]
    if not shown:
        return question
    wanted = dict.fromkeys((passage.document_id, passage.start, passage.end) for passage in shown)
    wanted |= dict.fromkeys((place.document_id, place.start, place.end) for one in shown for place in one.also_in)
    says = dict(zip(wanted, means.catalog.excerpts(list(wanted), question.scope), strict=True))
    gone = (
        e.n for e in question.shown if says[e.passage.document_id, e.passage.start, e.passage.end] != e.passage.text
    )
    history = (
        replace(exchange, evidence=tuple(still_elsewhere(e, says) for e in exchange.evidence))
        for exchange in question.history
    )
    return replace(question, withdrawn=frozenset(gone), history=tuple(history))


def _to_read(
    question: Question, retrieved: Retrieved | None, evidence: tuple[Evidence, ...]
) -> list[Sources | Meanwhile]:
    """What the asker may read while the model does: the sources, and where an answer is cited their best words."""
    quote = best_quote(retrieved, evidence) if retrieved is not None and question.is_cited else None
    return [Sources(evidence), *([Meanwhile(quote)] if quote is not None else [])]


async def _until_ready(generator: Generator | None) -> AsyncGenerator[Progress, None]:
    """Says that the model loads, until it is ready or has failed; ends at once where there is none."""
    said = None
    while generator is not None and (state := generator.state).state == "loading":
        if state.detail != said:
            said = state.detail
            yield Progress("loading", detail=said)
        await asyncio.sleep(POLL)


def _prompt(question: Question, retrieved: Retrieved | None, generator: Generator, evidence_tokens: int) -> Prompt:
    """What the model reads: the evidence in what is left of its context. Raises ContextTooLong."""
    budget = min(evidence_tokens, generator.context // EVIDENCE_SHARE)
    chosen: tuple[Evidence, ...] = ()
    if question.rewrites:  # another form of the last answer, from the evidence that this one had
        chosen = question.readable(cited_in(question.history[-1]))
    elif retrieved is not None:
        chosen = _chosen(question, retrieved, budget, generator)
        chosen = whole_where_read(question, chosen, generator, generator.context // EVIDENCE_SHARE)
    return fit_prompt(question, numbered(chosen), generator)


def _chosen(question: Question, retrieved: Retrieved, budget: int, generator: Generator) -> tuple[Evidence, ...]:
    """The evidence of a question; where it has sides or parts that of each, at most `budget` tokens of new ones."""
    searches = retrieved.sides or (retrieved,)
    chosen: tuple[Evidence, ...] = ()
    for found in searches:
        known, following = (*question.shown_still, *chosen), question.following + len(chosen)
        chosen += select_evidence(found, budget // len(searches), generator.count_text, known, following)
    return chosen


def _checker(question: Question, prompt: Prompt, means: Means) -> Checker:
    """Knows every passage that the prompt shows."""
    if not question.is_cited:
        return Unchecked()
    embedder = means.retriever.embedder if means.retriever is not None else None
    encode = None if embedder is None else lambda text: embedder.encode_queries([text])[0]
    return CitationChecker(prompt.evidence, question.text, encode, prompt.earlier, another_form=question.rewrites)
