"""Single jobs while a large batch runs: how many of the batch's jobs start before each of them.

The workers only record the order of starts. Counted for a single job are the bulk jobs that were recorded
between the arrival of its 202 and its own start. A job that a slot had taken from the broker and not recorded
yet is among them. So with S slots up to S may be counted, and none of them passed the single job.

Then the same workers get a permanent supply of jobs of the highest lane: one of eight starts is bulk's.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from bench.clients.bulk_batches import STYLE, lines, post_batch
from bench.clients.bulk_client import connected
from bench.measures.report import Report, table
from bench.measures.scratch import scratch_folder
from bench.measures.starts import Starts, share_under_supply
from bench.stacks.servers import Servers, running_servers
from shared.scheduling.lane_order import MAX_PASSES
from shared.wire.descriptors import Lane

BULK_JOBS = 20_000
SINGLE_JOBS = 20
HIGH_JOBS = 600
FIRST_STARTS = 50  # the worker is at work
LONGEST_PAUSE_SECONDS = 0.05  # between single jobs, so that they come at any moment of a bulk job
SLOTS = (1, 4)
LEAST_SHARE = 1 / (MAX_PASSES + 1)


@dataclass(frozen=True)
class Order:
    """The order of starts with one worker of so many slots."""

    slots: int
    before: list[int]  # bulk starts before each single job
    started_first: int  # single jobs that had started when their 202 was read; they count as 0 before
    wait_ms: list[float]  # from the 202 of each to its start, as the benchmark noticed it
    bulk_share: float  # under a permanent supply of high jobs
    longest_without_bulk: int

    @property
    def next_share(self) -> float:
        """Return the share of the single jobs that had no more bulk starts before them than
        there are slots.
        """
        return sum(before <= self.slots for before in self.before) / len(self.before)


def measure(folder: Path, slots: int) -> Order:
    with running_servers(folder, {"STYLEQUEUE_WORKER_THREADS": str(slots)}) as servers:
        starts = Starts(servers.settings.redis_url)
        post_batch(servers.url, lines(BULK_JOBS))
        servers.start_worker("bench.stacks.recording_worker", "recording", {})
        starts.wait_for_count(FIRST_STARTS)
        with connected(servers.url) as client:
            singles = [_single_job(client, starts) for _ in range(SINGLE_JOBS)]
        share, longest = _bulk_under_supply(servers, starts)
        starts.close()
    before, started_first, wait_ms = zip(*singles, strict=True)
    return Order(slots, list(before), sum(started_first), list(wait_ms), share, longest)


def _single_job(client: httpx.Client, starts: Starts) -> tuple[int, bool, float]:
    """Return the bulk jobs that started before it, whether it was first, and its milliseconds until the
    start.
    """
    time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS))
    answer = client.post("/v1/jobs", json={"content": STYLE, "style": STYLE}).raise_for_status()
    accepted, started_before = time.perf_counter(), starts.count()
    place = starts.wait_for(answer.json()["id"])
    passed_ms = 1000 * (time.perf_counter() - accepted)
    before = starts.lanes()[started_before:place].count(Lane.BULK)
    return before, place < started_before, passed_ms


def _bulk_under_supply(servers: Servers, starts: Starts) -> tuple[float, int]:
    first = starts.count()
    post_batch(servers.url, lines(HIGH_JOBS, Lane.HIGH))
    starts.wait_for_lane(Lane.HIGH, HIGH_JOBS)
    return share_under_supply(starts.lanes()[first:], Lane.BULK, Lane.HIGH)


def main() -> None:
    arguments = _arguments()
    report = Report("start_order")
    orders = []
    with scratch_folder() as scratch:
        for slots in arguments.slots:
            orders.append(measure(scratch / f"slots-{slots}", slots))
            report.say(f"{slots} slot(s): {_words(orders[-1])}")
    report.say(table(["slots", "before: 0", "1", "2-4", "more", "next, of all", "bulk share"], _rows(orders)))
    share = min(order.bulk_share for order in orders)
    longest = max(order.longest_without_bulk for order in orders)
    next_share = min(order.next_share for order in orders)
    report.say(
        f"{next_share:.0%} of the single jobs were next after what had been taken; bulk got {share:.1%} of "
        f"the starts (at least {LEAST_SHARE:.1%}), with at most {longest} others between two of its own"
    )
    report.finish(
        next_share, [asdict(order) for order in orders], unit="share", within=_within(orders),
        ratio_is="single jobs with no more bulk starts before them than slots", bulk_share=share,
        least_bulk_share=LEAST_SHARE, longest_without_bulk=longest,
    )  # fmt: skip


def _within(orders: list[Order]) -> bool:
    return all(order.next_share == 1 and order.bulk_share >= LEAST_SHARE for order in orders)


def _words(order: Order) -> str:
    seen = ", ".join(f"{count} x {before}" for before, count in sorted(Counter(order.before).items()))
    wait = f"{min(order.wait_ms):.0f} to {max(order.wait_ms):.0f} ms from the 202 to the start"
    first = f"{order.started_first} had started when the 202 was read"
    return f"bulk starts before a single job: {seen} ({first}); {wait}"


def _rows(orders: list[Order]) -> list[list[object]]:
    return [
        [
            str(order.slots),
            *(str(sum(low <= n <= high for n in order.before)) for low, high in RANGES),
            f"{order.next_share:.0%}",
            f"{order.bulk_share:.1%}",
        ]
        for order in orders
    ]


RANGES = ((0, 0), (1, 1), (2, 4), (5, BULK_JOBS))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, nargs="+", default=SLOTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
