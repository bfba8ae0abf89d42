"""A file of the set: its name, how its bytes are made, and what a person sees in it."""

from collections.abc import Callable
from dataclasses import dataclass

Make = Callable[[], bytes]
Part = tuple[str, str]
"""What a reader gives: a kind, as of a block of the product, and a text."""


@dataclass(frozen=True)
class Case:
    """`expected` is in the notation of `expected.py`; `part` is "made", or where else the file comes from."""

    name: str
    family: str
    expected: str
    make: Make
    part: str = "made"


class Family(list[Case]):
    """The cases of one family; `case` puts the function that it decorates among them."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def case(self, name: str, expected: str) -> Callable[[Make], Make]:
        def add(make: Make) -> Make:
            self.append(Case(name, self.name, expected, make))
            return make

        return add
