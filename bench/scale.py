"""Simulated accelerators: jobs per second by the number of worker slots, against the ideal line.

It also measures the limits of the broker and of one API process, for the capacity model.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.clients.bulk_client import connected, post_jobs, upload
from bench.clients.pictures import make_photos, style_file
from bench.measures.api_ceiling import ApiRates, measure_api
from bench.measures.broker_ceiling import Broker, BrokerRates
from bench.measures.report import Report, median_ratio, medians, table
from bench.measures.scratch import scratch_folder
from bench.stacks.servers import running_servers
from bench.stacks.simulated_worker import SIDE
from bench.stacks.slots import CALL_SECONDS, THREADS, Level, Slots

SLOTS = (1, 2, 4, 8, 16, 32)
HEADLINE = 16


def measure_slots(folder: Path, rounds: int, slots: Sequence[int], report: Report) -> list[Level]:
    """Measure a growing number of slots; it never shrinks, because idle workers would take jobs from the
    others.
    """
    levels = []
    with (
        running_servers(folder / "stack", {"STYLEQUEUE_WORKER_THREADS": str(THREADS)}) as servers,
        connected(servers.url) as client,
    ):
        workers = Slots(servers, client, folder)
        for count in slots:
            workers.grow_to(count)
            for number in range(rounds):
                level = workers.measure(f"round-{number}")
                pair = level.pair
                report.say(
                    f"{count:2} slots: {pair.ours:.2f} jobs/s of {pair.theirs:.0f}, {pair.ratio:.1%} "
                    f"(others took {pair.others:.2f} cores)"
                )
                levels.append(level)
    return levels


def measure_ceilings(folder: Path, rounds: int) -> tuple[list[BrokerRates], list[ApiRates]]:
    """Measure both limits in turn; the API's jobs stay in their lane, which no worker serves at that time."""
    brokers, apis = [], []
    for number in range(rounds):
        with running_servers(folder / f"ceilings-{number}", {}) as servers, connected(servers.url) as client:
            (photo,) = make_photos(folder / f"ceiling-photos-{number}", 1, 0, (SIDE, SIDE))
            content, style = upload(client, photo), upload(client, style_file())
            (job_id,) = post_jobs(client, 1, {"upload_id": content}, {"upload_id": style}, "ceiling")
            job = json.dumps(
                {"content": {"upload_id": content}, "style": {"upload_id": style}, "lane": "bulk"}
            )
            apis.append(measure_api(servers.url, job_id, job))
        with running_servers(folder / f"broker-{number}", {}) as servers:
            broker = Broker(servers)
            brokers.append(broker.measure())
            broker.close()
    return brokers, apis


def main() -> None:
    arguments = _arguments()
    report = Report("scale")
    with scratch_folder() as scratch:
        levels = measure_slots(scratch, arguments.rounds, arguments.slots, report)
        brokers, apis = measure_ceilings(scratch, arguments.rounds)
    by_slots = {count: [level for level in levels if level.slots == count] for count in arguments.slots}
    report.say(
        table(["slots", "jobs/s", "ideal", "share"], [_row(of_count) for of_count in by_slots.values()])
    )
    cpu_ms = {count: medians([level.cpu_ms for level in of_count]) for count, of_count in by_slots.items()}
    parts = list(medians(list(cpu_ms.values())))
    report.say(
        table(
            ["CPU ms a job", *parts],
            [[n, *(ms.get(part, 0.0) for part in parts)] for n, ms in cpu_ms.items()],
        )
    )
    broker, api = (medians([asdict(rates) for rates in all_rates]) for all_rates in (brokers, apis))
    report.say(table(["broker's ceiling", "per second"], list(broker.items())))
    report.say(table(["API's ceiling", "per second"], list(api.items())))
    headline = HEADLINE if HEADLINE in by_slots else arguments.slots[-1]
    ratio = median_ratio([level.pair for level in by_slots[headline]])
    report.say(f"{headline} slots of {CALL_SECONDS:g} s reach {ratio:.1%} of the ideal")
    runs = [{"slots": level.slots, **asdict(level.pair), "ratio": level.pair.ratio} for level in levels]
    report.finish(ratio, runs, unit="jobs/s", slots=headline, cpu_ms=cpu_ms, broker=broker, api=api)


def _row(levels: list[Level]) -> list[object]:
    pairs = [level.pair for level in levels]
    rate = medians([{"rate": pair.ours} for pair in pairs])["rate"]
    return [levels[0].slots, rate, pairs[0].theirs, f"{median_ratio(pairs):.1%}"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slots", type=int, nargs="+", default=SLOTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
