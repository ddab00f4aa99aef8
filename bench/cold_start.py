"""Compare a worker's start, until it is announced in Redis, with a notebook's, until its first picture.

Then measure the worker's start by phase, in a process that does the same without Celery's consumer.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from statistics import median

from bench.clients.bulk_client import connected, wait_for_workers
from bench.clients.pictures import style_file
from bench.measures.report import Report, alternately, median_ratio, medians, table
from bench.measures.scratch import scratch_folder
from bench.stacks.children import Child
from bench.stacks.servers import running_servers
from bench.stacks.subject import model_handle, worker_environment


def worker_seconds(folder: Path) -> float:
    with running_servers(folder, {}) as servers, connected(servers.url) as client:
        begin = time.perf_counter()
        servers.start_worker("worker.app", "worker", worker_environment())
        wait_for_workers(client, 1)
        return time.perf_counter() - begin


def notebook_seconds() -> float:
    begin = time.perf_counter()
    with Child("bench.baselines.cold_notebook", model_handle(), str(style_file())) as notebook:
        notebook.wait_until_ready()
        return time.perf_counter() - begin


def phases() -> dict[str, float]:
    begin = time.perf_counter()
    with Child("bench.baselines.cold_worker", environment=worker_environment()) as worker:
        told: dict[str, float] = json.loads(worker.hear())
    return told | {"python's own start": time.perf_counter() - begin - sum(told.values())}


def main() -> None:
    arguments = _arguments()
    report = Report("cold_start")
    with scratch_folder() as scratch:
        notebook_seconds()  # the files are in the page cache from here on
        pairs = alternately(
            lambda n: worker_seconds(scratch / f"stack-{n}"),
            lambda _: notebook_seconds(),
            arguments.rounds,
            lambda n, pair: report.say(
                f"round {n + 1}: worker {pair.ours:.1f} s, notebook {pair.theirs:.1f} s, {pair.ratio:.2f} x"
            ),
        )
        by_phase = medians([phases() for _ in range(arguments.rounds)])
    ratio = median_ratio(pairs)
    report.say(table(["phase", "s (median)"], list(by_phase.items())))
    report.say(
        f"a worker is ready after {median(pair.ours for pair in pairs):.1f} s, {ratio:.2f} x a notebook"
    )
    report.finish(ratio, pairs, unit="s", phases_seconds=by_phase)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
