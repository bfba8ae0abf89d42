"""Answers as models write them, and worse: Markdown with marks, code and open ends, and how they arrive in pieces."""

from collections.abc import Iterator
from itertools import pairwise

from hypothesis import strategies as st

MARKDOWN = """# Annual leave [1]

Employees have **25 days** of annual leave. [1] Leave is booked
in the people portal [1, 2]. See [the portal](https://example.org/a[1]) for more.

- Five days carry over [9]
- [x] `days[1]` is *code* [2]
1. The dental plan covers two cleanings a year【2】

| What | How often |
|------|:---------:|
| Cleanings | two a year [2] |

> Crowns are covered at half their price. [source 2]

```python
days[1] = "x. Y"  # [2]
```
Is it so? “Leave is booked in the people portal.” Dr. No. 5 says 3.5 [2].\r
~~~
[1]
~~~~
Ask for [help](https://example.org). Employees have 25 days [1"""

LONE = [*"[]【】`~"]
PIECES = [
    *'(),.!?:;|*_#>-\\"”’ \t\n\r\v\u00a0\u20281234567890aZé中ا…',
    *(
        "(1)",
        "(source 2)",
        "(sources 1 and",
        "source 1",
        "(so",
        " (2) ",
        "[1]",
        "[2]",
        "[9]",
        "[1, 2]",
        "[source 2]",
        "【1】",
        "([1])",
        "[^1]",
        "[1](x)",
        "[see",
        "\n- ",
        "\n| ",
    ),
    *(
        "Employees have 25 days of annual leave",
        "two cleanings a year",
        ". ",
        ".\n",
        "e.g. ",
        "U.S. ",
        "Crowns cost half.",
    ),
    *("[text](https://example.org)", "\r\n", "| a | b |\n|---|---|\n", "\\[1\\]"),
]
CODE = ["```", "~~~", "`a[1]`", "\n```\n"]
answers = st.one_of(st.text(max_size=60), st.lists(st.sampled_from([*LONE, *PIECES, *CODE]), max_size=24).map("".join))
without_code = st.lists(st.sampled_from([piece for piece in PIECES if piece != "[see"]), max_size=24).map("".join)


def pieces(text: str, cuts: list[int]) -> list[str]:
    """The text cut at these code points; those after its end cut nothing."""
    edges = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(edges)]


def cut_in_two(text: str) -> Iterator[list[str]]:
    """The text cut at every point, its beginning and end included."""
    return ([text[:at], text[at:]] for at in range(len(text) + 1))
