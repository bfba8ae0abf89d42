"""Follow-up questions: how many of those that are offered under answers are answered when they are asked.

    python benchmarks/follow_ups.py [SETS] [--only NAME] [--questions N] [--model NAME|FILE|none]

SETS is a folder with the evaluation folders `handbook` and `contoso` (docs/evaluating.md), by default what EVAL names,
or `eval`. Their corpora are indexed as for `benchmarks/answers.py`, and kept in the same place. N questions
of each that the documents answer are asked; what is offered under each answer is asked next, in the same conversation,
as a click asks it. With the model that MODEL or DOCENT_MODEL names; `none`, as where neither is set, answers with
quotations. The last line is JSON: of all that were offered the share that is answered, and how long a search for them
takes.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections import Counter
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

from indexer.errors import StartError
from indexer.evaluate.folder import indexed
from indexer.evaluate.kept_index import KeptIndex
from indexer.evaluate.retrieval import load_questions
from indexer.evaluate.sample import Sample
from indexer.knowledge.catalog import Catalog
from indexer.passages import Scope
from indexer.settings import IndexerSettings
from server.answering.answer import answer
from server.answering.events import Answer, Evidence, Exchange, Question, Sources
from server.answering.means import Means
from server.library.follow_ups import FollowUps, rests_on
from server.llm.choose import open_generator
from server.settings import ServerSettings

SETS = ("handbook", "contoso")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "docent-evaluate"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, nargs="?", default=Path(os.environ.get("EVAL") or "eval"))
    parser.add_argument("--only", choices=SETS)
    parser.add_argument("--questions", type=int, default=25, metavar="N")
    parser.add_argument("--model", default=os.environ.get("MODEL") or os.environ.get("DOCENT_MODEL") or "none")
    arguments = parser.parse_args()
    figures: dict[str, Any] = {}
    try:
        for name in [arguments.only] if arguments.only else SETS:
            figures[name] = measured(arguments.sets / name, arguments.questions, arguments.model)
            print(f"{name}: {figures[name]}")
    except StartError as error:
        print(f"Not measured: {error}")
        print(json.dumps({"benchmark": "follow_ups", "skipped": str(error)}))
        return
    print(json.dumps({"benchmark": "follow_ups", "model": arguments.model, "sets": figures}))


def measured(folder: Path, count: int, model: str) -> dict[str, Any]:
    questions = Sample(count, 0).of(load_questions(folder))
    with tempfile.TemporaryDirectory() as data:
        settings, indexing = ServerSettings(data=Path(data), model=model), IndexerSettings(data=Path(data))
        retriever = indexed(folder, indexing, questions, KeptIndex(CACHE, folder, indexing))
        means = Means(
            settings=settings,
            catalog=Catalog(retriever.engine),
            retriever=retriever,
            generator=open_generator(settings),
        )
        means.opened.set()
        means.model_opened.set()
        return asyncio.run(asked([one.question for one in questions], means))


async def asked(questions: list[str], means: Means) -> dict[str, Any]:
    follow_ups, scope = FollowUps(means.catalog.engine), means.catalog.everything()
    offered: Counter[int] = Counter()
    answered: list[bool] = []
    seconds: list[float] = []
    for number, question in enumerate(questions):
        first, sources = await answer_to(Question(question, scope), means)
        if not first.answered:
            continue
        started = time.monotonic()
        found = follow_ups.of(
            number,
            1,
            rests_on((*first.citations, *first.quotes), sources),
            [question],
            scope,
            partial(_answers, means, question),
        )
        seconds.append(time.monotonic() - started)
        offered[len(found)] += 1
        print(f"{question}")
        for one in found:
            history = (Exchange(question, first.raw, sources),)
            then, _ = await answer_to(Question(one, scope, history), means)
            answered.append(then.answered)
            print(f"  {'answered' if then.answered else 'REFUSED '}  {one}")
    if means.generator is not None:
        await means.generator.aclose()
    return {
        "asked": len(questions),
        "answers": offered.total(),
        "offered": {str(number): count for number, count in sorted(offered.items())},
        "followed": len(answered),
        "answered": round(sum(answered) / len(answered), 3) if answered else None,
        "seconds_median": round(statistics.median(seconds), 3) if seconds else None,
        "seconds_most": round(max(seconds), 3) if seconds else None,
    }


def _answers(means: Means, before: str, question: str, scope: Scope, document_id: int) -> bool:
    return means.answers(question, [before], scope, document_id)


async def answer_to(question: Question, means: Means) -> tuple[Answer, tuple[Evidence, ...]]:
    sources: tuple[Evidence, ...] = ()
    async with aclosing(answer(question, means)) as events:
        async for event in events:
            if isinstance(event, Sources):
                sources = event.evidence
            elif isinstance(event, Answer):
                return event, sources
    raise RuntimeError("the answer ended without an Answer")


if __name__ == "__main__":
    main()
