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
    end = max(below)
    return [*ancestors(parents, end), end]


def ancestors(parents: Parents, turn: int) -> list[int]:
    """The turns from the first to the one that `turn` follows."""
    path: list[int] = []
    at = parents[turn]
    while at is not None:
        path.append(at)
        at = parents[at]
    return path[::-1]


def versions(parents: Parents) -> dict[int, tuple[int, ...]]:
    """For each turn those that stand in its place, itself among them, oldest first."""
    following: dict[int | None, list[int]] = {}
    for turn in sorted(parents):
        following.setdefault(parents[turn], []).append(turn)
    places = {parent: tuple(turns) for parent, turns in following.items()}
    return {turn: places[parent] for turn, parent in parents.items()}
