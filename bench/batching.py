"""Measure pictures per second by batch size and picture size, in one process with a worker's model and
threads.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict

import numpy as np

from bench.measures.report import Pair, Report, median_ratio, table
from bench.stacks.subject import worker_environment
from shared.settings import Settings
from worker.images.arrays import Picture, StyleParameters
from worker.model.batched_model import Model

BATCHES = (1, 2, 4, 8)
SIZES = ((256, 256), (512, 384), (640, 480), (1024, 768))
HEADLINE = ((640, 480), 4)  # the headline ratio: this batch against one picture at a time
SHORTEST_SECONDS = 0.3  # of one measurement; small pictures are painted several times
STYLE_SIDE = 256


def pictures_per_second(model: Model, contents: Picture, style: StyleParameters) -> float:
    painted, begin = 0, time.perf_counter()
    while (seconds := time.perf_counter() - begin) < SHORTEST_SECONDS:
        model.paint(contents, [style] * len(contents))
        painted += len(contents)
    return painted / seconds


def main() -> None:
    arguments = _arguments()
    report = Report("batching")
    os.environ.update(worker_environment())
    from worker.app import load_model  # noqa: PLC0415 - reads the environment, and loads TensorFlow below

    model = load_model(Settings.from_environment(worker_environment()))
    noise = np.random.default_rng(7)
    style = model.style_parameters(_pictures(noise, 1, STYLE_SIDE, STYLE_SIDE)[0])
    rates: dict[tuple[int, int], dict[int, list[float]]] = {}
    for width, height in SIZES:
        contents = _pictures(noise, max(BATCHES), height, width)
        model.paint(contents, [style] * len(contents))  # memory for the largest call
        rates[width, height] = defaultdict(list)
        for _ in range(arguments.rounds):
            for batch in BATCHES:
                rate = pictures_per_second(model, contents[:batch], style)
                rates[width, height][batch].append(rate)
    rows = [_row(size, by_batch) for size, by_batch in rates.items()]
    report.say(table(["pictures/s", *(f"batch {batch}" for batch in BATCHES), "4 : 1"], rows))
    size, batch = HEADLINE
    ratio = _gain(rates[size], batch)
    report.say(f"{size[0]} x {size[1]}: batches of {batch} paint {ratio:.2f} x the pictures of single calls")
    runs = [
        {"width": width, "height": height, "batch": batch, "pictures_per_second": figures}
        for (width, height), by_batch in rates.items()
        for batch, figures in by_batch.items()
    ]
    report.finish(ratio, runs, pixel_budget=model.pixel_budget)


def _row(size: tuple[int, int], by_batch: dict[int, list[float]]) -> list[object]:
    medians = [float(np.median(by_batch[batch])) for batch in BATCHES]
    return [f"{size[0]} x {size[1]}", *medians, _gain(by_batch, HEADLINE[1])]


def _gain(by_batch: dict[int, list[float]], batch: int) -> float:
    return median_ratio([Pair(*figures) for figures in zip(by_batch[batch], by_batch[1], strict=True)])


def _pictures(noise: np.random.Generator, count: int, height: int, width: int) -> Picture:
    return noise.integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
