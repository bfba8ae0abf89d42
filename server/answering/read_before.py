"""Passages that the model has read before are put before it whole: that costs it no more than their sentences alone.

What it has not read is cut to the sentences worth their tokens, as ever, and read whole when nobody asks anything. So a
document's passages are read once, whatever is asked of them.
"""

from collections.abc import Sequence
from dataclasses import replace

from server.answering.events import Evidence, Question
from server.answering.prompt import build_messages
from server.llm.generator import Generator, KeepsPassages


def whole_where_read(
    question: Question, chosen: Sequence[Evidence], generator: Generator, most: int
) -> tuple[Evidence, ...]:
    """The evidence, of which passages that were read before are whole, as far as all of it has at most `most` tokens.

    What an earlier turn has shown stays as it was shown. Blocks.
    """
    fresh = [one for one in chosen if one.n >= question.following]
    if not fresh or not question.may_be_stitched or not isinstance(generator, KeepsPassages):
        return tuple(chosen)
    whole = [replace(one, text=one.passage.text) for one in fresh]
    kept = generator.kept_passages(build_messages(question, whole, ()))
    tokens = sum(generator.count_text(one.text) for one in fresh)
    instead: dict[int, Evidence] = {}
    for cut, one, is_kept in zip(fresh, whole, kept, strict=False):
        more = generator.count_text(one.text) - generator.count_text(cut.text)
        if is_kept and tokens + more <= most:
            instead[one.n] = one
            tokens += more
    return tuple(instead.get(one.n, one) for one in chosen)
