"""Measure a worker's start by phase in a fresh process; print the seconds of each phase as JSON when it is
ready.

`hub.load` is timed separately; the rest of `load_model` is the cut at the style frontier and the warm-up
calls.
"""

from __future__ import annotations

import json
import time
from itertools import pairwise

clock = [("", time.perf_counter())]


def lap(name: str) -> None:
    clock.append((name, time.perf_counter()))


import worker.celery_worker  # noqa: E402, F401 - timed

lap("import celery, boto3, redis, pillow")
import tensorflow  # noqa: E402, F401 - timed

lap("import tensorflow")
import tensorflow_hub  # noqa: E402 - timed

lap("import tensorflow_hub")
from shared.settings import settings_or_exit  # noqa: E402
from worker.app import load_model  # noqa: E402

settings = settings_or_exit()
lap("the app and its settings")
load_seconds = 0.0
load = tensorflow_hub.load


def timed_load(*arguments: object) -> object:
    global load_seconds  # noqa: PLW0603 - a script
    begin = time.perf_counter()
    try:
        return load(*arguments)
    finally:
        load_seconds += time.perf_counter() - begin


tensorflow_hub.load = timed_load
model = load_model(settings)
lap("load_model")
phases = {name: at - before for (_, before), (name, at) in pairwise(clock) if name != "load_model"}
phases["hub.load"] = load_seconds
phases["cut, trace and warm-up"] = clock[-1][1] - clock[-2][1] - load_seconds
print(json.dumps(phases), flush=True)
