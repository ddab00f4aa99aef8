"""Measure one 256 px job on an idle stack, from the first byte of its POST to the response that it has
finished.

The picture comes with the POST; the style was uploaded before. In between, the model alone is called with the
same picture in another process.
"""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from statistics import median

import httpx

from bench.clients.bulk_client import WAIT_SECONDS, connected, post_photo, upload, wait_for_workers
from bench.clients.pictures import make_photos, style_file
from bench.measures.report import Report, alternately, medians, table
from bench.measures.scratch import scratch_folder
from bench.stacks.children import Child
from bench.stacks.subject import default_layout, environment, model_handle
from local.stack import LocalStack

SIDE = 256
WARM_UP_JOBS = 8  # a worker
ALLOWED_CALLS, ALLOWED_MS = 3, 100  # the bound: so many bare calls and so many milliseconds more


class LoneJobs:
    """Submits one picture at a time, and waits as the API lets a client wait."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._style_id = upload(client, style_file())
        self.stages_ms: list[dict[str, float]] = []

    def milliseconds(self, photo: Path) -> float:
        begin = time.perf_counter()
        job_id = post_photo(self._client, photo, self._style_id, "latency")
        accepted = time.perf_counter()
        job = self._client.get(f"/v1/jobs/{job_id}", params={"wait": WAIT_SECONDS}).raise_for_status().json()
        finished = time.perf_counter()
        assert job["status"] == "succeeded", job
        self.stages_ms.append(
            {
                "accepted (POST answered)": 1000 * (accepted - begin),
                **job["result"]["timings_ms"],
                "created to finished (record)": _between_ms(job["created_at"], job["finished_at"]),
                "submit to finished (client)": 1000 * (finished - begin),
            }
        )
        return 1000 * (finished - begin)


def main() -> None:
    arguments = _arguments()
    report = Report("latency")
    with scratch_folder() as scratch, ExitStack() as parts:
        warm_up = make_photos(
            scratch / "warm-up", WARM_UP_JOBS * default_layout().processes, -1, (SIDE, SIDE)
        )
        photos = make_photos(scratch / "photos", arguments.rounds, 0, (SIDE, SIDE))
        bare = parts.enter_context(Child("bench.baselines.bare_call", model_handle(), str(style_file())))
        bare.wait_until_ready()
        stack = parts.enter_context(LocalStack(scratch / "stack", environment=environment()))
        client = parts.enter_context(connected(stack.url))
        wait_for_workers(client, default_layout().processes)
        jobs = LoneJobs(client)
        for photo in warm_up:
            jobs.milliseconds(photo)
        jobs.stages_ms.clear()
        pairs = alternately(
            lambda n: jobs.milliseconds(photos[n]),
            lambda n: float(bare.ask(str(photos[n]))),
            arguments.rounds,
        )
    stages = medians(jobs.stages_ms)
    job_ms, call_ms = median(pair.ours for pair in pairs), median(pair.theirs for pair in pairs)
    bound_ms = ALLOWED_CALLS * call_ms + ALLOWED_MS
    within = job_ms <= bound_ms
    report.say(table(["stage", "ms (median)"], list(stages.items())))
    report.say(
        f"submit to finished {job_ms:.0f} ms, bare call {call_ms:.0f} ms; {'within' if within else 'BEYOND'} "
        f"{ALLOWED_CALLS} x {call_ms:.0f} + {ALLOWED_MS} = {bound_ms:.0f} ms"
    )
    ratio = median(pair.ours / (ALLOWED_CALLS * pair.theirs + ALLOWED_MS) for pair in pairs)
    report.finish(
        ratio, pairs, unit="ms", ratio_is="submit to finished, as a share of what is allowed",
        submit_to_finished_ms=job_ms, bare_call_ms=call_ms, allowed_ms=bound_ms, within=within,
        stages_ms=stages,
    )  # fmt: skip


def _between_ms(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds() * 1000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    return parser.parse_args()


if __name__ == "__main__":
    main()
