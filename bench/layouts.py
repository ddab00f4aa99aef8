"""Find the layout of the engine that fills this machine's cores: processes x threads x arithmetic.

All layouts are loaded at once and measured in turn, round after round; all but one are idle.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.clients.pictures import make_photos, style_file
from bench.engine import photos_per_second
from bench.measures.report import Report, table
from bench.measures.scratch import scratch_folder
from bench.stacks.children import Child
from bench.stacks.subject import worker_environment

LAYOUTS = [  # processes, threads of a model call, arithmetic
    (1, 2, "float32"),
    (2, 1, "float32"),
    (1, 1, "auto"),
    (1, 2, "auto"),
    (2, 1, "auto"),
    (2, 2, "auto"),
]
REFERENCE = LAYOUTS.index((1, 2, "float32"))
CHOSEN = LAYOUTS.index((1, 1, "auto"))  # with as many calls at once as cores


def start(parts: ExitStack, scratch: Path, processes: int, threads: int, precision: str) -> list[Child]:
    own = {"STYLEQUEUE_INTRA_OP_THREADS": str(threads), "STYLEQUEUE_PRECISION": precision}
    return [
        parts.enter_context(
            Child(
                "bench.stacks.engine_process",
                str(style_file()),
                str(scratch / "out"),
                environment=worker_environment(index) | own,
            )
        ).wait_until_ready()
        for index in range(processes)
    ]


def measure(engines: list[Child], scratch: Path, jobs: int, seed: int) -> float:
    """Return the photos per second. Each run has its own folder, because finished photos are
    marked as taken.
    """
    with TemporaryDirectory(dir=scratch) as folder:
        make_photos(photos := Path(folder) / "photos", jobs, seed)
        return photos_per_second(engines, photos, jobs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=32, help="photographs in a run")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    report = Report("layouts")
    with scratch_folder() as scratch, ExitStack() as parts:
        engines = [start(parts, scratch, *layout) for layout in LAYOUTS]
        for found in engines:
            measure(found, scratch, jobs=4 * len(found), seed=-1)
        rates = [
            [measure(found, scratch, arguments.jobs, seed=number) for found in engines]
            for number in range(arguments.rounds)
        ]
    medians = [median(column) for column in zip(*rates, strict=True)]
    rows = [[*map(str, layout), f"{rate:.1f}"] for layout, rate in zip(LAYOUTS, medians, strict=True)]
    report.say(table(["processes", "threads", "arithmetic", "photos/s"], rows))
    ratio = median(row[CHOSEN] / row[REFERENCE] for row in rates)
    report.say(
        f"the chosen layout paints {ratio:.2f} x the photos of one process with all threads in float32"
    )
    report.finish(ratio, [dict(zip(map(str, LAYOUTS), row, strict=True)) for row in rates], unit="photos/s")


if __name__ == "__main__":
    main()
