"""Which sentences of a passage another one needs beside it to be understood (pure).

A row needs the header of its table, an item the line that leads in to its list, and a sentence that begins with "it",
"this" or "however" the one before it. In the text that was extracted, items and rows are lines of their own, and a
blank line stands between paragraphs, lists and tables.
"""

import re

from indexer.passages import Passage

_POINTS_BACK = re.compile(
    r"(?:it|its|this|these|they|their|that|those|he|she|his|her|such|both|however|but|instead|otherwise|therefore|also"
    r"|the (?:former|latter|same))\b",
    re.I,
)
_CELLS = " | "
_BLANK = "\n\n"


def antecedent(passage: Passage, index: int) -> int | None:
    """The index of the sentence that the one at `index` needs; None where it stands for itself."""
    above = lead_in(passage, index)
    if above is not None:
        return above
    is_first = not index or _BLANK in between(passage, index - 1)
    return index - 1 if not is_first and _POINTS_BACK.match(passage.sentences[index].text) else None


def lead_in(passage: Passage, index: int) -> int | None:
    """The index of the header of a row's table, or of the line that leads in to an item's list."""
    first = index
    while first and _BLANK not in between(passage, first - 1):
        first -= 1
    if _CELLS in passage.sentences[index].text:
        return first if first < index else None
    if first and passage.sentences[first - 1].text.endswith(":") and "\n" in between(passage, index - 1):
        return first - 1
    return None


def list_of(passage: Passage, index: int) -> set[int]:
    """The indexes of the whole list that a sentence is an item of, or leads in to; empty where there is none."""
    sentences = passage.sentences
    block = _block(passage, index)
    if sentences[index].text.endswith(":") and block[-1] == index and index + 1 < len(sentences):
        items = _block(passage, index + 1)
        return {index, *items} if _is_list(passage, items) or len(items) == 1 else set()
    if not _is_list(passage, block):
        return set()
    above = lead_in(passage, block[-1])
    return {*block} if above is None else {above, *block}


def short_list_of(passage: Passage, index: int, most: int) -> set[int]:
    """The same of a list of at most `most` code points; empty for a row, which says all with its table's header."""
    if _CELLS in passage.sentences[index].text:
        return set()
    found = list_of(passage, index)
    if not found or passage.sentences[max(found)].end - passage.sentences[min(found)].start > most:
        return set()
    return found


def paragraph_of(passage: Passage, index: int, most: int) -> range:
    """The sentence and those of its paragraph around it, the next ones first, while all have at most `most` code
    points; at least the sentence itself."""
    sentences, block = passage.sentences, _block(passage, index)
    first = last = index
    while last < block[-1] and sentences[last + 1].end - sentences[first].start <= most:
        last += 1
    while first > block[0] and sentences[last].end - sentences[first - 1].start <= most:
        first -= 1
    return range(first, last + 1)


def _block(passage: Passage, index: int) -> range:
    """The sentences between two blank lines."""
    first = last = index
    while first and _BLANK not in between(passage, first - 1):
        first -= 1
    while last + 1 < len(passage.sentences) and _BLANK not in between(passage, last):
        last += 1
    return range(first, last + 1)


def _is_list(passage: Passage, block: range) -> bool:
    """Whether most of its sentences stand on lines of their own."""
    lines = sum("\n" in between(passage, index) for index in block[:-1])
    return len(block) > 1 and 2 * lines >= len(block) - 1


def between(passage: Passage, index: int) -> str:
    """What stands between a sentence and the next one."""
    before, after = passage.sentences[index : index + 2]
    return passage.text[before.end - passage.start : after.start - passage.start]
