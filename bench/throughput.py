"""The whole stack against the plain loop: from the first HTTP request to the last result in S3.

Both sides paint the same files with the same model on the same cores; the other side is idle meanwhile. Every
round has new photographs, so only the style can come from a cache.
"""

from __future__ import annotations

import argparse
import io
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import httpx
from PIL import Image

from bench.clients.bulk_client import JobJson, connected, post_photos, upload, wait_for_all, wait_for_workers
from bench.clients.pictures import PHOTO_SIZE, make_photos, style_file
from bench.measures.cpu_use import CpuUse
from bench.measures.report import Report, alternately, median_ratio, medians, round_line, table
from bench.measures.scratch import scratch_folder
from bench.stacks.children import Child
from bench.stacks.subject import default_layout, environment, model_handle
from local.stack import LocalStack

WARM_UP_PHOTOS = 8  # a worker


class StackRun:
    """Sends folders of photographs through the stack."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.cpu_ms: list[dict[str, float]] = []  # a photograph, by part, for each run
        self.stages_ms: list[dict[str, float]] = []  # a photograph, by stage, for each run

    def photos_per_second(self, photos: list[Path], tag: str) -> float:
        use = CpuUse()
        begin = time.perf_counter()
        style_id = upload(self._client, style_file())
        job_ids = post_photos(self._client, photos, style_id, tag)
        jobs = wait_for_all(self._client, job_ids, tag)
        seconds = time.perf_counter() - begin
        self.cpu_ms.append({part: 1000 * used / len(photos) for part, used in use.seconds_by_part().items()})
        self.stages_ms.append(_mean_stages(jobs))
        self._check(jobs[0])
        return len(photos) / seconds

    def _check(self, job: JobJson) -> None:
        answer = self._client.get(f"/v1/jobs/{job['id']}/result", follow_redirects=True)
        with Image.open(io.BytesIO(answer.raise_for_status().content)) as picture:
            assert picture.size == PHOTO_SIZE, picture.size


def _mean_stages(jobs: list[JobJson]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for job in jobs:
        total.update(job["result"]["timings_ms"])
    return {stage: milliseconds / len(jobs) for stage, milliseconds in total.items()}


def main() -> None:
    arguments = _arguments()
    report = Report("throughput")
    with scratch_folder() as scratch, ExitStack() as parts:
        folders = [
            make_photos(scratch / f"photos-{n}", arguments.jobs, seed=n) for n in range(arguments.rounds)
        ]
        warm_up = make_photos(scratch / "warm-up", WARM_UP_PHOTOS * default_layout().processes, seed=-1)
        loop = parts.enter_context(
            Child("bench.baselines.plain_loop", model_handle(), str(style_file()), str(scratch / "loop"))
        ).wait_until_ready()
        stack = parts.enter_context(LocalStack(scratch / "stack", environment=environment()))
        client = parts.enter_context(connected(stack.url))
        wait_for_workers(client, default_layout().processes)
        StackRun(client).photos_per_second(warm_up, "warm-up")
        ours = StackRun(client)
        pairs = alternately(
            lambda n: ours.photos_per_second(folders[n], f"round-{n}"),
            lambda n: float(loop.ask(str(scratch / f"photos-{n}"))),
            arguments.rounds,
            lambda n, pair: report.say(round_line(n, "stack", pair)),
        )
    ratio = median_ratio(pairs)
    cpu_ms, stages_ms = medians(ours.cpu_ms), medians(ours.stages_ms)
    report.say(table(["CPU by part", "ms a photo"], list(cpu_ms.items())))
    report.say(table(["job by stage", "ms a photo"], list(stages_ms.items())))
    report.say(f"the stack paints {ratio:.2f} x the photos of the plain loop (median of {len(pairs)})")
    report.finish(
        ratio, pairs, unit="photos/s", jobs=arguments.jobs, workers=default_layout().processes,
        cpu_ms=cpu_ms, stages_ms=stages_ms,
    )  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=96, help="photographs in a run")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
