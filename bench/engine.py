"""Compare the worker's engine alone with the plain loop: an upper bound, as if the queue cost nothing.

It decodes, caches styles, calls the model and encodes, in as many processes and threads as a local stack has,
without HTTP, Redis, Celery or S3. The loop paints the same files; the other side is idle meanwhile.
"""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from pathlib import Path

from bench.clients.pictures import make_photos, style_file
from bench.measures.report import Report, alternately, median_ratio, round_line
from bench.measures.scratch import scratch_folder
from bench.stacks.children import Child
from bench.stacks.subject import default_layout, model_handle, worker_environment

WARM_UP_PHOTOS = 8  # a process


def photos_per_second(engines: list[Child], folder: Path, count: int) -> float:
    begin = time.perf_counter()
    for engine in engines:
        engine.tell(str(folder))
    painted = sum(int(engine.hear()) for engine in engines)
    seconds = time.perf_counter() - begin
    assert painted == count, (painted, count)
    return painted / seconds


def main() -> None:
    arguments = _arguments()
    report = Report("engine")
    with scratch_folder() as scratch, ExitStack() as parts:
        folders = [scratch / f"photos-{number}" for number in range(arguments.rounds)]
        for seed, folder in enumerate(folders):
            make_photos(folder, arguments.jobs, seed)
        warm_up = WARM_UP_PHOTOS * default_layout().engines
        make_photos(scratch / "warm-up", warm_up, seed=-1)
        style = str(style_file())
        children = [
            parts.enter_context(
                Child(
                    "bench.stacks.engine_process",
                    style,
                    str(scratch / "engine"),
                    environment=worker_environment(index),
                )
            )
            for index in range(default_layout().engines)
        ]
        engines = [child.wait_until_ready() for child in children]
        loop = parts.enter_context(
            Child("bench.baselines.plain_loop", model_handle(), style, str(scratch / "loop"))
        )
        loop.wait_until_ready()
        photos_per_second(engines, scratch / "warm-up", warm_up)
        pairs = alternately(
            lambda n: photos_per_second(engines, folders[n], arguments.jobs),
            lambda n: float(loop.ask(str(folders[n]))),
            arguments.rounds,
            lambda n, pair: report.say(round_line(n, "engine", pair)),
        )
    ratio = median_ratio(pairs)
    report.say(f"the engine paints {ratio:.2f} x the photos of the plain loop (median of {len(pairs)})")
    report.finish(ratio, pairs, unit="photos/s", jobs=arguments.jobs, processes=default_layout().engines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=96, help="photographs in a run")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
