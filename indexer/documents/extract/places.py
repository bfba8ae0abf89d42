"""Numbers, names and places of things, as remarks tell them (pure)."""

import re
from collections.abc import Iterable

from indexer.text.shorten import shortened

_NAME = re.compile(r".+?(?=(?: (?:by|in|made|of|that|with|without) | \()|$)")
_MOST_NAMES, _LONGEST_NAME = 3, 40


def listed(numbers: Iterable[int]) -> str:
    """`4`, `1, 4 and 6-9`: in order, each once."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return _joined([str(start) if start == end else f"{start}-{end}" for start, end in runs])


def named(names: Iterable[str]) -> str:
    """`"Rates"`, `"Rates" and "Terms"`, `"A", "B", "C" and 4 more`: each once, in the order in which they come."""
    known = list(dict.fromkeys(names))
    told = [f'"{shortened(name, _LONGEST_NAME)}"' for name in known[:_MOST_NAMES]]
    return _joined(told + [f"{len(known) - _MOST_NAMES:,} more"] * (len(known) > _MOST_NAMES))


def below(headings: Iterable[str]) -> str:
    """` (below "Scope" and "Terms")`: the headings that things stand below, "" for those above the first one."""
    told = named(heading for heading in headings if heading)
    return f" (below {told})" if told else ""


def counted(number: int, thing: str) -> str:
    """`1 picture`, `1,200 pictures`; what stands behind the name stays: `2 charts without stored values`."""
    name = _NAME.match(thing)
    end = name.end() if name else len(thing)
    return f"{number:,} {thing[:end]}{'s' * (number != 1)}{thing[end:]}"


def _joined(names: list[str]) -> str:
    return "".join(names) if len(names) < 2 else f"{', '.join(names[:-1])} and {names[-1]}"
