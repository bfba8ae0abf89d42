"""Whether Docent keeps what it has acknowledged, whatever happens to it: asks, uploads, kills, stops, for an hour.

    python -m benchmarks.soak [--minutes 60] [--kills N] [--requests N] [--seed 1]

Starts `docent serve` with SmolLM2-135M, which set-up for tests fetches, on a data folder of its own, and has people
ask, upload, delete and ingest in it while the server and the indexer are killed. What is looked at, and what counts as
broken, stands in inspection.py and steadiness.py. Progress goes to standard error; the last line is JSON. Ends with
status 1 where anything did not hold.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.soak.book import Book
from benchmarks.soak.conductor import Conductor, Plan
from benchmarks.soak.place import Site
from server.llm.catalogue import catalogue_model
from tests.real_weights import NAME, cache_folder

PHASES = ("steady", "kills", "clock", "disk")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, help="at least so long")
    parser.add_argument("--kills", type=int, default=0, help="until so many of the indexer and the server, nine to one")
    parser.add_argument("--requests", type=int, default=0, help="until so many in the phase that measures")
    parser.add_argument("--phases", nargs="*", default=PHASES, choices=PHASES, help="which of them; all if not given")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where data and logs are kept; a temporary folder if not given")
    arguments = parser.parse_args()
    plan = Plan(arguments.minutes, arguments.seed, arguments.kills, arguments.requests, arguments.phases)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # no server is left behind
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        figures = soak(plan, folder.absolute(), weights())
    print(json.dumps(figures))
    sys.exit(bool(figures["broken"]))


def weights() -> str:
    """The model's file, where set-up for tests puts it; answers are quotations where it is not."""
    model = catalogue_model(NAME)
    assert model is not None
    path = cache_folder() / "models" / model.file
    if path.is_file():
        return str(path)
    say(f"There is no {path}: answers are quotations. `make setup-dev` fetches it.")
    return "none"


def soak(plan: Plan, folder: Path, weights: str) -> dict[str, object]:
    """Every phase, whose faults end it and are told beside what was broken before."""
    logs, book, started = folder / "logs", Book(say), time.monotonic()
    logs.mkdir(parents=True)
    site = Site(folder / "data", weights, logs)
    conductor = Conductor(plan, site, book, folder / "documents", say)
    try:
        for phase in PHASES:
            if phase in plan.phases:
                say(f"-- {phase}")
                getattr(conductor, phase)()
    except KeyboardInterrupt:
        conductor.figures["ended_early"] = True
        say("Ended early; these are the figures so far.")
    except Exception as error:  # the figures so far are worth having, and it is a failure all the same
        book.breach(f"the soak itself broke off: {error!r}")
    finally:
        site.close()
    return {
        "benchmark": "soak",
        "minutes": round((time.monotonic() - started) / 60, 1),
        "seed": plan.seed,
        "model": Path(weights).stem,
        **conductor.figures,
        "counts": dict(sorted(book.counts.items())),
        "broken": book.broken,
    }


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
