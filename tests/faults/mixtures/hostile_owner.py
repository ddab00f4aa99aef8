"""An owner who attacks the service until SIGTERM.

It is run as `python -m tests.faults.mixtures.hostile_owner URL RECEIVER SEED`.

The key is read from the environment. A line is printed for each accepted batch, for each response 500, and
for each attack at the end. It is a process of its own, so that it does not slow down the one that measures.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections import Counter

import httpx

from tests.faults.mixtures.attacks import ATTACKS, Attacker

KEY_VARIABLE = "HOSTILE_KEY"
THREADS = 2
MOST_PAUSE_SECONDS = 0.5


def attack(attacker: Attacker, stopping: threading.Event, done: Counter[str]) -> None:
    """Make each attack once, and then random ones until told to stop."""
    names = attacker.chance.sample(sorted(ATTACKS), len(ATTACKS))
    while not stopping.is_set():
        name = names.pop() if names else attacker.chance.choice(sorted(ATTACKS))
        done[name] += 1
        try:
            ATTACKS[name](attacker)
        except httpx.TransportError as error:
            done[type(error).__name__] += 1
        stopping.wait(attacker.chance.uniform(0, MOST_PAUSE_SECONDS))


def main() -> None:
    url, receiver, seed = sys.argv[1:]
    chance, stopping, done = random.Random(int(seed)), threading.Event(), Counter[str]()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    attackers = [
        Attacker(url, os.environ[KEY_VARIABLE], receiver, random.Random(chance.random()))
        for _ in range(THREADS)
    ]
    threads = [threading.Thread(target=attack, args=(attacker, stopping, done)) for attacker in attackers]
    for thread in threads:
        thread.start()
    print("started", flush=True)  # noqa: T201 - this is a program
    for thread in threads:
        thread.join()
    for name, number in done.most_common():
        print("done", number, name, flush=True)  # noqa: T201 - this is a program


if __name__ == "__main__":
    main()
