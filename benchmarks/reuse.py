"""How many prompt tokens are computed when conversations share one cache: the engine's own slots, without a model.

    python benchmarks/reuse.py [--cells 4096 8192]

Made-up traces of requests, one at a time; computed tokens as a share of all prompt tokens, against a server that keeps
only the last request. Nothing is offloaded. The last line is JSON.
"""

import argparse
import json
import random
from collections.abc import Callable

from server.engine.prefixes import common_prefix
from server.engine.slots import CACHED_SEQUENCES, Slots

SLOTS = 8
LONGEST_ANSWER = 400

Trace = list[tuple[list[int], list[int]]]  # prompt and answer of each request


class NoCache:
    """A KV cache that holds nothing: only the books are kept."""

    sequences, can_share = SLOTS + CACHED_SEQUENCES, True

    def truncate(self, sequence: int, length: int) -> bool:
        return True

    def share(self, source: int, target: int, start: int, end: int) -> None: ...

    def read_state(self, sequence: int) -> None: ...

    def write_state(self, sequence: int, data: object) -> bool:
        return True


def conversations(
    count: int, turns: int, fresh: tuple[int, int], answer: int, *, in_turn: bool, seed: int = 0
) -> Trace:
    """Each turn has `fresh` new tokens after the same instructions, all turns and answers before it included."""
    chance = random.Random(seed)
    system = tokens(chance, 60)
    histories, left, trace = [list(system) for _ in range(count)], [turns] * count, Trace()
    while any(left):
        open_ones = [i for i in range(count) if left[i]]
        at = open_ones[len(trace) % len(open_ones)] if in_turn else chance.choice(open_ones)
        left[at] -= 1
        histories[at] += tokens(chance, chance.randint(*fresh))
        said = tokens(chance, answer)
        trace.append((list(histories[at]), said))
        histories[at] += said
    return trace


def questions(count: int, followed_up: float, *, of: int = 40, seed: int = 0) -> Trace:
    """Questions that several people ask, by Zipf's law, some of them followed up by what only one person asks."""
    chance = random.Random(seed)
    system, asked = tokens(chance, 90), [tokens(chance, chance.randint(200, 450)) for _ in range(of)]
    weights, recent, trace = [1 / (i + 1) for i in range(of)], list[list[int]](), Trace()
    while len(trace) < count:
        if recent and chance.random() < followed_up:
            at = min(int(chance.expovariate(0.5)), len(recent) - 1)
            prompt = recent.pop(-1 - at) + tokens(chance, chance.randint(100, 400))
        else:
            prompt = system + chance.choices(asked, weights)[0] + tokens(chance, 12)
        said = tokens(chance, chance.randint(20, 120))
        trace.append((prompt, said))
        if len(prompt) < 2600:
            recent = [*recent, prompt + said][-8:]
    return trace


def tokens(chance: random.Random, count: int) -> list[int]:
    return [chance.randrange(1000, 30000) for _ in range(count)]


def computed(trace: Trace, cells: int) -> int:
    slots, count = Slots(NoCache(), SLOTS, cells), 0
    for prompt, said in trace:
        needed = min(len(prompt) + LONGEST_ANSWER, cells)
        assert slots.has_room(prompt, needed)
        slot = slots.take(prompt, needed)
        count += len(prompt) - len(slot.tokens)
        for token in [*prompt[len(slot.tokens) :], *said]:
            slots.make_room(1)
            slot.tokens.append(token)
        slots.release(slot.sequence)
    return count


def computed_with_one_slot(trace: Trace) -> int:
    count, before = 0, list[int]()
    for prompt, said in trace:
        count += len(prompt) - min(common_prefix(before, prompt), len(prompt) - 1)
        before = prompt + said
    return count


TRACES: dict[str, Callable[[], Trace]] = {
    "4 conversations of 3 turns, in turn": lambda: conversations(4, 3, (420, 420), 24, in_turn=True),
    "4 of 6 turns, at random": lambda: conversations(4, 6, (200, 500), 80, in_turn=False),
    "12 of 5 turns, at random": lambda: conversations(12, 5, (200, 500), 80, in_turn=False),
    "300 questions of 40": lambda: questions(300, 0.0),
    "the same, half of them followed up": lambda: questions(300, 0.5),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, nargs="*", default=[4096, 8192])
    arguments = parser.parse_args()
    print(
        f"{'share of prompt tokens computed':40} {'one slot':>10}", *(f"{cells:>8} cells" for cells in arguments.cells)
    )
    figures = {}
    for name, make in TRACES.items():
        trace = make()
        total = sum(len(prompt) for prompt, _ in trace)
        alone = computed_with_one_slot(trace) / total
        shares = {str(cells): round(computed(trace, cells) / total, 3) for cells in arguments.cells}
        figures[name] = {"one_slot": round(alone, 3), **shares}
        print(f"{name:40} {alone:10.3f}", *(f"{share:14.3f}" for share in shares.values()), flush=True)
    print(json.dumps({"benchmark": "reuse", **figures}))


if __name__ == "__main__":
    main()
