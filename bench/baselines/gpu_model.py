"""The model without the queue: the worker's calls, and its graph compiled for one shape.

    python -m bench.baselines.gpu_model SETTLE_SECONDS

Prints the number of batch sizes, and a JSON line for each. The compiled graph finds its input on the device
and leaves its output there, so it is an upper bound.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub

from bench.clients.pictures import PHOTO_SIZE
from bench.stacks.subject import model_handle, worker_environment
from shared.settings import Settings
from worker.app import load_model
from worker.model.pixels import as_floats, as_pixels
from worker.model.style_frontier import split

BATCHES = (1, 8)
SECONDS = 1.0  # of one measurement
STYLE_SIDE = 256


def main(settle_seconds: str) -> None:
    settings = Settings.from_environment(worker_environment())
    model = load_model(settings)
    width, height = PHOTO_SIZE
    noise = np.random.default_rng(7)
    style = model.style_parameters(noise.integers(0, 256, (STYLE_SIDE, STYLE_SIDE, 3), dtype=np.uint8))
    print(len(BATCHES), flush=True)
    for batch in BATCHES:
        contents = noise.integers(0, 256, (batch, height, width, 3), dtype=np.uint8)
        styles = [style] * batch
        begin = time.perf_counter()
        graph = compiled_graph(tf.constant(contents), tf.constant(np.stack(styles)))
        compile_seconds = time.perf_counter() - begin
        ours = settled_rate(partial(model.paint, list(contents), styles), batch, float(settle_seconds))
        bound = pictures_per_second(graph, batch)
        figures = {"batch": batch, "ours": ours, "bound": bound, "compile_seconds": compile_seconds}
        print(json.dumps(figures), flush=True)


def compiled_graph(contents: Any, parameters: Any) -> Callable[[], object]:
    """Return a call of the model's content half, compiled for these inputs, which waits for its end."""
    halves = split(hub.load(model_handle()))
    assert halves is not None

    @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
    def graph() -> Any:
        return as_pixels(halves.paint(as_floats(contents), parameters))

    def call() -> object:
        return graph()[0, 0, 0, 0].numpy()

    call()
    return call


def settled_rate(call: Callable[[], object], batch: int, settle_seconds: float) -> float:
    """Measure after a time in which the worker's model may compile its calls in the background."""
    settled = time.monotonic() + settle_seconds
    while time.monotonic() < settled:
        call()
    return pictures_per_second(call, batch)


def pictures_per_second(call: Callable[[], object], batch: int) -> float:
    call()
    painted, begin = 0, time.perf_counter()
    while (seconds := time.perf_counter() - begin) < SECONDS:
        call()
        painted += batch
    return painted / seconds


if __name__ == "__main__":
    main(*sys.argv[1:])
