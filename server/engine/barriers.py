"""How long threads that compute together wait for each other awake.

llama.cpp cuts every operation into parts, one for each thread, and waits for all of them: a thousand times a token. The
GNU OpenMP library waits awake for 300,000 rounds, 3.3 ms, before it lets a thread sleep. Where another process has
taken a core, the thread that shares it is away for longer than that, while the one that waits keeps the other core
busy with nothing: the system then has no free core to move anybody to.

Prefill of 256 tokens by two threads on two cores with a load of 5 to 6 (SmolLM2-135M): 5 to 32 s as it comes; waiting
awake for 30,000 rounds 2.4 to 3.3 s, 10,000 2.2 to 2.4, 3,000 1.6, 1,000 1.4, 300 and none 1.3 to 1.4, now and then 3.
"""

import os

ROUNDS = 1000  # 11 microseconds; what the library takes by itself where it knows of too few cores for its threads
CHOSEN = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


def wait_asleep() -> None:
    """Before a library that computes with OpenMP is loaded: later it has no effect. The operator's choice is kept."""
    if not any(name in os.environ for name in CHOSEN):
        os.environ["GOMP_SPINCOUNT"] = str(ROUNDS)
