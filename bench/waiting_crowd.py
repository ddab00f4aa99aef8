"""A thousand clients with `?wait=30` on one job, and their effect on other clients.

In turn with and without the crowd, a few others poll and submit at their own pace. A round with the crowd
ends when the job is canceled: held requests are answered then, and the other clients learn it at their next
poll. GUNICORN_CMD_ARGS, Gunicorn's own variable, can try other settings of it.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from statistics import median

import httpx

from bench.clients.bulk_batches import STYLE
from bench.clients.bulk_client import connected, post_jobs
from bench.clients.bystanders import Client, Waited, ask_all, bystanders
from bench.measures.report import Pair, Report, alternately, median_ratio, table
from bench.measures.scratch import scratch_folder
from bench.stacks.children import Child
from bench.stacks.servers import running_servers

WAITERS = 1000
WAIT_SECONDS = 30
ALONE_SECONDS, CROWD_SECONDS = 8, 15


@dataclass
class Scene:
    """The server, the crowd and the others."""

    client: httpx.Client
    crowd: Child
    others: list[Client]
    alone: list[dict[str, Waited]] = field(default_factory=list)
    crowded: list[dict[str, Waited]] = field(default_factory=list)
    seen: list[dict[str, float]] = field(default_factory=list)

    def without_crowd(self, _: int) -> float:
        self.alone.append(ask_all(str(self.client.base_url), self.others, ALONE_SECONDS))
        return _median_ms(self.alone[-1])

    def with_crowd(self, _: int) -> float:
        (job_id,) = post_jobs(self.client, 1, STYLE, STYLE, "crowd")
        self.crowd.tell(f"/v1/jobs/{job_id}?wait={WAIT_SECONDS}")
        self.crowded.append(ask_all(str(self.client.base_url), self.others, CROWD_SECONDS))
        self.client.post(f"/v1/jobs/{job_id}/cancel").raise_for_status()
        begin = time.perf_counter()
        seen = json.loads(self.crowd.hear())
        self.seen.append({**seen, "all_know_after_s": time.perf_counter() - begin})
        return _median_ms(self.crowded[-1])


def main() -> None:
    arguments = _arguments()
    report = Report("waiting_crowd")
    with scratch_folder() as scratch, running_servers(scratch / "stack", {}) as servers:
        size = str(arguments.waiters)
        with connected(servers.url) as client, Child("bench.clients.crowd", servers.url, size) as crowd:
            crowd.wait_until_ready()
            (job_id,) = post_jobs(client, 1, STYLE, STYLE, "others")
            scene = Scene(client, crowd, bystanders(job_id))
            pairs = alternately(
                scene.with_crowd,
                scene.without_crowd,
                arguments.rounds,
                lambda number, pair: report.say(_line(number, pair, scene.seen[-1])),
            )
        most_held = servers.settings.max_waiting_requests
    ratios = {name: _ratios(scene, name) for name in scene.alone[0]}
    report.say(table(HEADER, [_row(scene, name) for name in ratios]))
    unanswered = sum(each.unanswered for round_ in scene.crowded for each in round_.values())
    held = [seen["held"] for seen in scene.seen]
    report.say(f"{unanswered} of the others' requests were not answered")
    report.say(f"waiters held at the end of each round: {held}; max_waiting_requests is {most_held}")
    report.finish(
        median_ratio(pairs), pairs, unit="ms", ratio_is="p50 of the others' answers, with / without a crowd",
        ratios=ratios, unanswered=unanswered, crowd=scene.seen,
        gunicorn=os.environ.get("GUNICORN_CMD_ARGS"),
        alone=_told(scene.alone), crowded=_told(scene.crowded),
    )  # fmt: skip


HEADER = ["others", "p50 alone", "p50 in crowd", "p99 alone", "p99 in crowd", "longest", "answers"]


def _row(scene: Scene, name: str) -> list[object]:
    alone, crowded = ([round_[name] for round_ in rounds] for rounds in (scene.alone, scene.crowded))
    figures = [
        median(getattr(each, percentile) for each in side)
        for percentile in ("p50_ms", "p99_ms")
        for side in (alone, crowded)
    ]
    return [name, *figures, max(each.max_ms for each in crowded), sum(each.answered for each in crowded)]


def _ratios(scene: Scene, name: str) -> dict[str, float]:
    return {
        percentile: median(
            getattr(crowded[name], percentile) / getattr(alone[name], percentile)
            for crowded, alone in zip(scene.crowded, scene.alone, strict=True)
        )
        for percentile in ("p50_ms", "p99_ms")
    }


def _median_ms(round_: Mapping[str, Waited]) -> float:
    return median(each.p50_ms for each in round_.values())


def _told(rounds: list[dict[str, Waited]]) -> list[dict[str, dict[str, float]]]:
    return [{name: asdict(each) for name, each in round_.items()} for round_ in rounds]


def _line(number: int, pair: Pair, seen: Mapping[str, float]) -> str:
    return (
        f"round {number + 1}: others' p50 {pair.ours:.1f} ms, alone {pair.theirs:.1f} ms; crowd: "
        f"{seen['asked']} requests, {seen['held']} held, {seen['answered_at_once']} answered at once within "
        f"{seen['at_once_p50_s']:.2f} (p50), {seen['at_once_max_s']:.2f} s (longest), {seen['broken']} "
        f"broken; all know it after {seen['all_know_after_s']:.1f} s (others took {pair.others:.2f} cores)"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--waiters", type=int, default=WAITERS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
