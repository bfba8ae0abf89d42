"""Numbers of pages and slides, as remarks name them."""

from collections.abc import Iterable


def listed(numbers: Iterable[int]) -> str:
    """`4`, `1, 4 and 6-9`: in order, each once."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    names = [str(start) if start == end else f"{start}-{end}" for start, end in runs]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
