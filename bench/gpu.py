"""The stack against the plain loop on one GPU; on a machine without a GPU the same steps, small, on the CPU.

    python3 -m bench.gpu                         the layout that `stylequeue up` chooses
    python3 -m bench.gpu default 4 8:WORKER_THREADS=16

An argument is a layout: the number of workers, or `default`, and settings without their prefix. Each layout
has a stack of its own. Three minutes on a GPU, and half a minute for each further layout.
"""

from __future__ import annotations

import argparse
import json
import random
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import httpx

from bench.clients.batch_client import bulk_job, bulk_jobs, upload_all
from bench.clients.bulk_client import UNFINISHED, WAIT_SECONDS, checked, connected, upload
from bench.clients.pictures import make_photos, make_sized_photos, mixed_sizes, style_file
from bench.measures.gpu_watch import gpu_name, watched_gpu
from bench.measures.report import Report, table
from bench.measures.scratch import scratch_folder
from bench.stacks.children import Child
from bench.stacks.gpu_run import StackRun, Stretch
from bench.stacks.subject import environment, model_handle
from local.ports import free_ports
from local.stack import LocalStack
from shared.settings import PREFIX

PHOTOS = 200  # files of one size, and as many of mixed sizes
SIDES = range(320, 1024, 64)  # the mixed files are painted at each of them for the test of the memory


@dataclass(frozen=True)
class Amounts:
    """The sizes of the steps on this machine."""

    loop: int  # pictures for the plain loop
    jobs: int  # of a batch
    sizes: int  # random sizes
    settle_seconds: float  # in which the model may compile its calls
    optimize: dict[str, int]  # params of a minimization


ON_GPU = Amounts(200, 4000, 2000, 12, {"max_side": 512})
ON_CPU = Amounts(12, 48, 40, 1, {"max_side": 96, "iterations": 10})


@dataclass(frozen=True)
class Layout:
    """The workers of a stack; None means as many as it chooses."""

    name: str
    workers: int | None
    settings: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> Layout:
        count, _, settings = text.partition(":")
        pairs = (setting.split("=", 1) for setting in settings.split(",") if setting)
        workers = None if count == "default" else int(count)
        return cls(text, workers, {PREFIX + name: value for name, value in pairs})


class GpuBench:
    """The steps; each prints its figures as soon as it has them."""

    def __init__(self, report: Report, scratch: Path, amounts: Amounts) -> None:
        self.figures: dict[str, Any] = {}
        self.loop_rate = 0.0
        self._report, self._scratch, self._amounts = report, scratch, amounts
        self._photos = make_photos(scratch / "photos", PHOTOS, seed=1)
        self._mixed = make_sized_photos(scratch / "mixed", mixed_sizes(PHOTOS, seed=2), seed=2)

    def loop(self) -> None:
        make_photos(folder := self._scratch / "loop", self._amounts.loop, seed=3)
        out = str(self._scratch / "loop-out")
        with (
            Child("bench.baselines.plain_loop", model_handle(), str(style_file()), out) as loop,
            watched_gpu() as gpu,
        ):
            loop.wait_until_ready()
            self.loop_rate = float(loop.ask(str(folder)))
        self._say("plain loop", f"{self.loop_rate:.1f} pictures/s; {gpu.words()}", self.loop_rate)

    def model(self) -> None:
        with Child("bench.baselines.gpu_model", str(self._amounts.settle_seconds)) as model:
            for _ in range(int(model.hear())):
                row = json.loads(model.hear())
                share = row["ours"] / row["bound"]
                self._say(
                    f"model, batch {row['batch']}",
                    f"worker's calls {row['ours']:.0f} pictures/s, {share:.2f} of the compiled graph's "
                    f"{row['bound']:.0f}; compiled in {row['compile_seconds']:.1f} s",
                    row,
                )

    def everything(self, layout: Layout) -> None:
        """Measure one size, mixed sizes, memory and a minimization on one stack."""
        with self._stack(layout, "first start", optimizers=1) as (client, run):
            style, same = upload(client, style_file()), upload_all(client, self._photos)
            mixed = upload_all(client, self._mixed)
            count = self._amounts.jobs
            self._stretch("one size, first batch", run.run(bulk_jobs(same, style, count // 4)))
            one_size = self._stretch("one size", run.run(bulk_jobs(same, style, count)))
            self._stretch("200 sizes, first batch", run.run(bulk_jobs(mixed, style, count // 4)))
            sizes = self._stretch("200 sizes", run.run(bulk_jobs(mixed, style, count)))
            share = sizes.pixel_rate / one_size.pixel_rate
            self._say("pixel rate", f"of 200 sizes {share:.2f} of one size's", share)
            self._memory(run, mixed, style)
            flat = run.flat_pictures([*one_size.jobs[:PHOTOS], *sizes.jobs[:PHOTOS]])
            self._say("pictures", f"{flat} are black, flat or of a wrong size", flat)
            self._optimize(client, same[0], style)

    def one_size(self, layout: Layout, name: str) -> None:
        with self._stack(layout, name) as (client, run):
            style, same = upload(client, style_file()), upload_all(client, self._photos)
            count = self._amounts.jobs
            self._stretch(f"one size, {name}, first batch", run.run(bulk_jobs(same, style, count // 4)))
            self._stretch(f"one size, {name}", run.run(bulk_jobs(same, style, count)))

    @contextmanager
    def _stack(
        self, layout: Layout, name: str, optimizers: int = 0
    ) -> Iterator[tuple[httpx.Client, StackRun]]:
        port = next(free_ports())
        variables = environment() | layout.settings | {f"{PREFIX}METRICS_PORT": str(port)}
        folder = self._scratch / name.replace(" ", "-")
        begin = time.perf_counter()
        with LocalStack(
            folder, workers=layout.workers, optimizers=optimizers, environment=variables
        ) as stack:
            seconds = time.perf_counter() - begin
            with connected(stack.url) as client:
                workers = checked(client.get("/v1/workers")).json()["workers"]
                self._say(f"ready, {name}", f"after {seconds:.1f} s; the first worker: {workers[0]}", seconds)
                yield client, StackRun(client, port)

    def _memory(self, run: StackRun, mixed: list[str], style: str) -> None:
        """Paint random sizes in two halves; the second must not need more memory."""
        sized = [bulk_job(content, style, max_side=side) for side, content in product(SIDES, mixed)]
        chosen = random.Random(4).sample(sized, self._amounts.sizes)
        half = len(chosen) // 2
        for name, jobs in (("first", chosen[:half]), ("second", chosen[half:])):
            self._stretch(f"{half} random sizes, {name} half", run.run(jobs))

    def _optimize(self, client: httpx.Client, content: str, style: str) -> None:
        params = {"method": "optimize", **self._amounts.optimize}
        job = {"content": {"upload_id": content}, "style": {"upload_id": style}, "params": params}
        begin = time.perf_counter()
        path = "/v1/jobs/" + checked(client.post("/v1/jobs", json=job)).json()["id"]
        while (ended := checked(client.get(path, params={"wait": WAIT_SECONDS})).json())[
            "status"
        ] in UNFINISHED:
            pass
        seconds = time.perf_counter() - begin
        self._say(
            "optimize",
            f"{ended['status']} at {params['max_side']} px after {seconds:.1f} s",
            seconds,
        )

    def _stretch(self, name: str, stretch: Stretch) -> Stretch:
        ratio = f", {stretch.rate / self.loop_rate:.1f} x the loop" if self.loop_rate else ""
        self._say(name, f"{stretch.rate:.1f} pictures/s{ratio}; {stretch.words()}", stretch.rate)
        return stretch

    def _say(self, name: str, words: str, figure: object) -> None:
        self._report.say(f"{name}: {words}")
        self.figures[name] = figure


def main() -> None:
    arguments = _arguments()
    report = Report("gpu")
    gpu = gpu_name()
    report.say(f"GPU: {gpu or 'none, so few pictures on the CPU'}")
    first, *others = [Layout.parse(text) for text in arguments.layouts]
    with scratch_folder() as scratch:
        bench = GpuBench(report, scratch, ON_GPU if gpu else ON_CPU)
        steps: list[Callable[[], None]] = [bench.loop, bench.model, partial(bench.everything, first)]
        steps.append(partial(bench.one_size, first, "second start"))
        steps += [partial(bench.one_size, layout, layout.name) for layout in others]
        for step in steps:
            try:
                step()
            except Exception:  # the machine is there for minutes: the other steps are measured all the same
                report.say(traceback.format_exc())
    rates = [(name, figure) for name, figure in bench.figures.items() if isinstance(figure, float)]
    report.say(table(["", "figure"], rates))
    report.finish(
        bench.figures.get("one size", 0.0) / (bench.loop_rate or 1), [], gpu=gpu, figures=bench.figures
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("layouts", nargs="*", default=["default"])
    return parser.parse_args()


if __name__ == "__main__":
    main()
