"""A document in brief, written by a model: each part of it in turn, then the whole from what was kept of the parts.

parts of passages -> prompt -> generate -> check citations -> the sentences that a passage supports -> the same of these

The last prompt shows the model what it wrote of the parts; what it writes then is checked against the passages of the
document that those sentences rest on, never against a model's own words.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace

from indexer.passages import Passage, Scope, WholeDocument
from server.answering.citations import CitationChecker
from server.answering.claims import goes_in_circles
from server.answering.events import Citation, Evidence, Question
from server.answering.prompt import build_messages
from server.answering.support import Encode
from server.answering.writing import without_marks
from server.llm.generator import Generator, Message, Piece, Sampling

VERSION = 1
"""Raised when prompts or checks change: what an older one wrote is then written anew."""
PART_TOKENS = 1_000
"""Of a document that are read at once: some 20 s of two cores with a 1.5B, after which a question need not wait."""
MOST_PARTS = 12
"""A longer document is read by its most central passages: some 40,000 characters, five minutes of two cores."""
CHARACTERS_PER_TOKEN = 3.5  # at least so many, of English text
MOST_CHARACTERS = int(MOST_PARTS * PART_TOKENS * CHARACTERS_PER_TOKEN)
CONTEXT_SHARE = 2
"""A part takes at most one token in so many of the model's context."""
OF_A_PART = "Summarise these passages in two or three full sentences, with the numbers, dates and conditions they give."
OF_ALL = "Summarise all of this in at most five full sentences, the most important first."
OF_A_SHORT_ONE = "Summarise this document in at most five full sentences, the most important first."
OF_PART, OF_WHOLE = 3, 5  # citations after which no more is awaited: a small model goes on until all is copied
SAMPLING = Sampling(max_tokens=160)


@dataclass(frozen=True)
class BriefText:
    """Sentences with marks `[n]`, each of which leads to the words of the document that it rests on."""

    text: str = ""
    citations: tuple[Citation, ...] = ()
    place: str = ""  # which part of the document it is of, in the words of its headings or pages


@dataclass(frozen=True)
class Brief:
    """A document in brief: the whole, and part by part where it has several. `read` of `total` characters were read."""

    whole: BriefText
    parts: tuple[BriefText, ...]
    read: int
    total: int
    model: str = ""

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)


def brief_from_json(stored: str) -> Brief:
    value = json.loads(stored)
    whole, *parts = (
        BriefText(one["text"], tuple(Citation(**cited) for cited in one["citations"]), one["place"])
        for one in (value["whole"], *value["parts"])
    )
    return Brief(whole, tuple(parts), value["read"], value["total"], value["model"])


@dataclass(frozen=True)
class Part:
    """Neighbouring passages that a model reads at once."""

    passages: tuple[Passage, ...]

    @property
    def place(self) -> str:
        first, last = self.passages[0], self.passages[-1]
        if first.page and last.page:
            return f"Page {first.page}" if first.page == last.page else f"Pages {first.page} to {last.page}"
        return first.heading.rpartition(" › ")[2]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return tuple(Evidence(n, passage, passage.text, n) for n, passage in enumerate(self.passages, 1))


def parts_of(whole: WholeDocument, generator: Generator) -> list[Part]:
    """The passages in parts that fit the model's context. Raises Unavailable; blocks: it counts tokens."""
    most = min(PART_TOKENS, generator.context // CONTEXT_SHARE)
    parts: list[list[Passage]] = []
    room = 0
    for passage in whole.passages:
        tokens = generator.count_text(passage.text)
        if not parts or tokens > room:
            parts.append([])
            room = most
        parts[-1].append(passage)
        room -= tokens
    return [Part(tuple(passages)) for passages in parts]


@dataclass
class Writing:
    """A text that a model is writing, as far as it is checked."""

    messages: list[Message]
    checker: CitationChecker
    most: int  # citations
    place: str = ""

    @property
    def so_far(self) -> BriefText:
        """Numbered in the order of its marks."""
        return numbered(BriefText(self.checker.text, tuple(self.checker.citations), self.place))


def of_part(part: Part, scope: Scope, encode: Encode | None, *, alone: bool) -> Writing:
    """How a part is written about; `alone`: it is the whole document."""
    evidence = part.evidence
    return Writing(
        _messages(OF_A_SHORT_ONE if alone else OF_A_PART, scope, evidence),
        CitationChecker(evidence, "", encode),
        OF_WHOLE if alone else OF_PART,
        "" if alone else part.place,
    )


def of_all(
    texts: Sequence[BriefText], passages: Sequence[Passage], scope: Scope, encode: Encode | None, generator: Generator
) -> Writing:
    """How the whole is written about, from what was written of the parts, as many as the context holds. Raises
    Unavailable; blocks."""
    told = [text for text in texts if text.citations]
    starts = {cited.start for text in told for cited in text.citations}
    rests_on = [one for one in passages if any(one.start <= start < one.end for start in starts)]
    evidence = tuple(Evidence(n, passage, passage.text, n) for n, passage in enumerate(rests_on, 1))
    shown: tuple[Evidence, ...] = ()
    messages: list[Message] = []
    for text in told:  # under the number of the first passage that it rests on
        start = text.citations[0].start
        first = next(one for one in evidence if one.passage.start <= start < one.passage.end)
        more = (*shown, replace(first, text=without_marks(text.text, text.citations)))
        asked = _messages(OF_ALL, scope, more)
        if messages and generator.count(asked) > generator.context - SAMPLING.max_tokens:
            break
        shown, messages = more, asked
    return Writing(messages, CitationChecker(evidence, "", encode), OF_WHOLE)


def _messages(task: str, scope: Scope, evidence: Sequence[Evidence]) -> list[Message]:
    """As a question is asked: passages as data, between lines that nothing in them can imitate."""
    return build_messages(Question(task, scope), evidence, ())


async def written(writing: Writing, generator: Generator, said: Callable[[], None]) -> BriefText:
    """What the model writes, each sentence that a passage supports; `said` is called when there is another one. Raises
    RequestError; ends at once when it is cancelled."""
    checker, raw = writing.checker, ""
    async with aclosing(_pieces(generator, writing.messages)) as pieces:
        async for text in pieces:
            if (await asyncio.to_thread(checker.feed, text)).delta:
                said()
            raw += text
            if checker.is_over or len(checker.citations) >= writing.most or goes_in_circles(raw):
                break
    await asyncio.to_thread(checker.flush, cut=True)
    said()
    return writing.so_far


async def _pieces(generator: Generator, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
    async with aclosing(generator.generate(messages, SAMPLING)) as events:
        async for event in events:
            if isinstance(event, Piece):
                yield event.text


def numbered(text: BriefText) -> BriefText:
    """The same, its sources numbered from 1 in the order in which they are cited."""
    numbers: dict[int, int] = {}
    shown, done, cited = "", 0, []
    for one in text.citations:
        mark = f"[{one.n}]"
        if not text.text.startswith(mark, one.at):
            continue
        n = numbers.setdefault(one.n, len(numbers) + 1)
        shown += text.text[done : one.at]
        cited.append(replace(one, n=n, at=len(shown)))
        shown += f"[{n}]"
        done = one.at + len(mark)
    return replace(text, text=shown + text.text[done:], citations=tuple(cited))
