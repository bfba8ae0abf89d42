"""Whether any request is answered with a failure that was not planned: cases for every parameter of every route.

    python benchmarks/hostile_requests.py [--requests 10000] [--schema 10000] [--seed 1]

Sends hostile values, one at a time and then in pairs, made from the application's table of routes, and requests that
schemathesis makes from the description of the API, to a server of its own over a tiny model. Printed is what was
answered that should not have been, and how often each status came. Ends with status 1 where there was a fault. The
last line is JSON.
"""

import argparse
import itertools
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.hostile_http.client import Target, hostile_target
from tests.hostile_http.described import Described
from tests.hostile_http.requests import mixed, variants


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000, help="made from the table of routes")
    parser.add_argument("--schema", type=int, default=10_000, help="made from the description of the API")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary, hostile_target(Path(temporary) / "data") as target:
        faults = generated(target, arguments.requests, arguments.seed)
        described = Described(target)
        faults += described.faults(arguments.schema, arguments.seed)
        figures = {
            "benchmark": "hostile_requests",
            "requests": arguments.requests,
            "schema": described.sent,
            "faults": len(faults),
            "statuses": dict(sorted(target.statuses.items())),
            "seconds": round(time.monotonic() - started),
        }
    print("\n".join(faults) or "no fault")
    print(json.dumps(figures))
    sys.exit(bool(faults))


def generated(target: Target, count: int, seed: int) -> list[str]:
    """Every case that there is, or as many of them by chance, and then pairs."""
    draw = random.Random(seed)
    single = list(variants(target.app, target.world, seed))
    draw.shuffle(single)
    cases = itertools.islice(itertools.chain(single, mixed(single, draw)), count)
    return [f"{one.method} {one.path} {one.name}: {fault}" for one in cases if (fault := target.faults(one))]


if __name__ == "__main__":
    main()
