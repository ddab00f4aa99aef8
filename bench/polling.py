"""Compare polls of waiting jobs, while 50,000 wait, with a route of bare Flask under the same server's
settings.

No worker runs, so each poll also returns the job's position. The same client asks the two servers in turn;
the other one is idle.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from statistics import median

from bench.baselines.bare_app import APP, PATH
from bench.clients.bulk_batches import Batches, lines, post_batch
from bench.clients.thin_client import Answers, ask_for_a_while
from bench.measures.report import Pair, Report, alternately, median_ratio, table
from bench.measures.scratch import scratch_folder
from bench.stacks.children import PROJECT
from bench.stacks.servers import Servers, running_servers
from local.api_server import api_answers, api_part, api_url
from local.ports import free_ports
from worker.supervision.process import Part

JOBS = 50_000
ASKED = 500  # of them, evenly spread
SECONDS = 3.0
RATES = {"STYLEQUEUE_MAX_READS_PER_MINUTE": "1000000"}  # one address sends as many requests as it can
WARM_UP_SECONDS = 1.0
SEEN = {"If-None-Match": 'W/"1"'}  # no job has changed since it was queued
LEAST_OF_BARE, LEAST_OF_FULL, MOST_P99_TO_P50 = 0.5, 1, 5
FULL, UNCHANGED, BARE = "200", "304", "bare"


class Polls:
    """The requests that are sent to the two servers."""

    def __init__(self, servers: Servers, job_ids: Sequence[str], seconds: float) -> None:
        polls = [f"/v1/jobs/{job_id}" for job_id in job_ids]
        bare_url = start_bare_app(servers)
        self._kinds = {
            FULL: partial(ask_for_a_while, servers.url, polls, 200),
            UNCHANGED: partial(ask_for_a_while, servers.url, polls, 304, headers=SEEN),
            BARE: partial(ask_for_a_while, bare_url, [PATH], 200),
        }
        self._seconds = seconds
        self.answers: dict[str, list[Answers]] = {kind: [] for kind in self._kinds}

    def warm_up(self) -> None:
        for ask in self._kinds.values():
            ask(WARM_UP_SECONDS)

    def rate(self, kind: str, _: int = 0) -> float:
        self.answers[kind].append(self._kinds[kind](self._seconds))
        return self.answers[kind][-1].per_second


def start_bare_app(servers: Servers) -> str:
    """Start Gunicorn as the local stack does, with the bare application; return its URL."""

    def part(port: int) -> Part:
        environment = {**servers.children, "PYTHONPATH": str(PROJECT)}
        return replace(api_part(port, environment, APP), name="bare")

    port = servers.supervisor.start_server(part, free_ports(), lambda port: api_answers(port, PATH))
    return api_url(port)


def main() -> None:
    arguments = _arguments()
    report = Report("polling")
    with scratch_folder() as scratch, running_servers(scratch / "stack", RATES) as servers:
        batches = Batches(servers.settings.redis_url)
        batch_id = post_batch(servers.url, lines(JOBS))
        job_ids = batches.job_ids(batch_id, JOBS)
        polls = Polls(servers, job_ids[:: JOBS // ASKED], arguments.seconds)
        polls.warm_up()
        pairs = alternately(
            partial(polls.rate, FULL),
            partial(polls.rate, BARE),
            arguments.rounds,
            lambda number, pair: report.say(_line(number, pair, polls.rate(UNCHANGED))),
        )
        batches.close()
    report.say(table(HEADER, [_row(kind, answers) for kind, answers in polls.answers.items()]))
    to_bare = median_ratio(pairs)
    unchanged = median(
        few.per_second / full.per_second
        for few, full in zip(polls.answers[UNCHANGED], polls.answers[FULL], strict=True)
    )
    spread = max(_spread(polls.answers[kind]) for kind in (FULL, UNCHANGED))
    within = to_bare >= LEAST_OF_BARE and unchanged >= LEAST_OF_FULL and spread <= MOST_P99_TO_P50
    report.say(
        f"{'within' if within else 'BEYOND'}: 200 / bare {to_bare:.2f} (at least {LEAST_OF_BARE}), 304 / 200 "
        f"{unchanged:.2f} (at least {LEAST_OF_FULL}), p99 / p50 {spread:.1f} (at most {MOST_P99_TO_P50})"
    )
    report.finish(
        to_bare, pairs, unit="answers/s", ratio_is="200s / answers of bare Flask",
        unchanged_to_full=unchanged, p99_to_p50=spread, within=within, waiting=JOBS,
        answers={kind: [asdict(each) for each in answers] for kind, answers in polls.answers.items()},
    )  # fmt: skip


HEADER = ["answer", "per second", "p50 ms", "p99 ms", "p99 / p50", "server's cores"]


def _line(number: int, pair: Pair, unchanged: float) -> str:
    rates = f"200 {pair.ours:.0f}/s, bare {pair.theirs:.0f}/s, 304 {unchanged:.0f}/s"
    return f"round {number + 1}: {rates}, ratio {pair.ratio:.2f} (others took {pair.others:.2f} cores)"


def _row(kind: str, answers: list[Answers]) -> list[object]:
    columns = ([getattr(each, name) for each in answers] for name in ("per_second", "p50_ms", "p99_ms"))
    rate, p50, p99 = map(median, columns)
    return [kind, rate, p50, p99, _spread(answers), median(each.server_cores for each in answers)]


def _spread(answers: list[Answers]) -> float:
    return median(each.p99_ms / each.p50_ms for each in answers)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each measurement")
    return parser.parse_args()


if __name__ == "__main__":
    main()
