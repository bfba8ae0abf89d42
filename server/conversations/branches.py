"""A conversation's turns as a tree: an edited or repeated question begins a branch beside the one before (pure).

A turn's parent is older than it, so the newest turn below any other ends a branch.
"""

from collections.abc import Mapping

Parents = Mapping[int, int | None]
"""Each turn of a conversation and the turn before it; None where there is none."""


def branch(parents: Parents, through: int | None = None) -> list[int]:
    """The turns from the first to the newest one below `through`; to the newest of all where that is not known."""
    if through not in parents:
        through = max(parents, default=None)
    if through is None:
        return []
    below = {through}
    for turn in sorted(parents):
        if parents[turn] in below:
            below.add(turn)
    path: list[int] = []
    at: int | None = max(below)
    while at is not None:
        path.append(at)
        at = parents[at]
    return path[::-1]


def versions(parents: Parents, turn: int) -> tuple[int, ...]:
    """The turns that stand in one place, this one among them, oldest first."""
    return tuple(sorted(other for other, parent in parents.items() if parent == parents[turn]))
