"""Compare one batch request, until its 202, with writing as many records with plain HSETs.

Both write to the same Redis, which runs with the local stack's configuration; no worker runs. The fields of a
record are read from one of the batch's jobs, so the HSETs carry the same bytes and nothing else: no
validation, no index, no counter.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass

from bench.clients.bulk_batches import Batches, lines, post_batch
from bench.measures.api_memory import MB, api_processes, resident, watched
from bench.measures.redis_state import RedisState
from bench.measures.report import Pair, Report, alternately, median_ratio, table
from bench.measures.scratch import scratch_folder
from bench.stacks.servers import Servers, running_servers

SIZES = (10_000, 50_000)
WARM_UP_LINES = 200
ALLOWED_RATIO, ALLOWED_MB, ALLOWED_BYTES_PER_JOB = 5, 60, 2_000


@dataclass(frozen=True)
class Accepted:
    """The cost of one batch besides its time."""

    growth_mb: float  # of the API's memory during the request, at its peak
    kept_mb: float  # of it, after the response
    redis_bytes_per_job: float  # indexes and the window's messages included


class BulkSubmission:
    """Posts batches, and removes each before the next."""

    def __init__(self, servers: Servers) -> None:
        self._url = servers.url
        self._batches = Batches(servers.settings.redis_url)
        self._redis = RedisState(servers.settings.redis_url)
        self._processes = api_processes()
        self._record: dict[str, str] = {}
        self.accepted: list[Accepted] = []
        self.window = servers.settings.dispatch_window
        self._batches.remove(post_batch(self._url, lines(WARM_UP_LINES)))
        self._first_bytes = resident(self._processes)

    def measure(self, count: int, rounds: int, report: Report) -> list[Pair]:
        body = lines(count)
        report.say(f"{count:,} lines of {len(body) / count:.0f} bytes")

        def show(number: int, pair: Pair) -> None:
            report.say(
                f"round {number + 1}: 202 after {pair.ours:.2f} s, HSETs {pair.theirs:.2f} s, ratio "
                f"{pair.ratio:.2f}; {_words(self.accepted[-1])} (others took {pair.others:.2f} cores)"
            )

        return alternately(
            lambda _: self._post(body, count),
            lambda _: self._hsets(count),
            rounds,
            show,
        )

    def _post(self, body: bytes, count: int) -> float:
        self._redis.settle()
        used = self._redis.used_bytes()
        with watched(self._processes) as memory:
            begin = time.perf_counter()
            batch_id = post_batch(self._url, body)
            seconds = time.perf_counter() - begin
        per_job = (self._redis.used_bytes() - used) / count
        self.accepted.append(Accepted(memory.growth_mb, memory.kept_mb, per_job))
        self._record = self._batches.record(self._batches.job_ids(batch_id, count)[-1])
        self._batches.remove(batch_id)
        return seconds

    def _hsets(self, count: int) -> float:
        self._redis.settle()
        return self._redis.time_of_hsets(self._record, count)

    def record_bytes(self) -> int:
        """The bytes of a job's fields, names and values."""
        return sum(len(name) + len(value) for name, value in self._record.items())

    def kept_mb(self) -> float:
        """The memory kept by all requests since the warm-up."""
        return (resident(self._processes) - self._first_bytes) / MB

    def close(self) -> None:
        self._batches.close()
        self._redis.close()


def main() -> None:
    arguments = _arguments()
    report = Report("bulk")
    with scratch_folder() as scratch, running_servers(scratch / "stack", {}) as servers:
        bulk = BulkSubmission(servers)
        measured = {}
        for count in arguments.sizes:
            before = len(bulk.accepted)
            pairs = bulk.measure(count, arguments.rounds, report)
            measured[count] = pairs, bulk.accepted[before:]
        record_bytes, kept_mb, window = bulk.record_bytes(), bulk.kept_mb(), bulk.window
        bulk.close()
    header = ["jobs", "202 / HSETs", "API's growth, MB", "kept, MB", "Redis bytes a job"]
    report.say(table(header, [_row(count, *figures) for count, figures in measured.items()]))
    report.say(f"allowed {ALLOWED_RATIO}, {ALLOWED_MB} MB and {ALLOWED_BYTES_PER_JOB} bytes; largest shown")
    report.say(f"a record's fields are {record_bytes} bytes; {window} messages wait in the broker at a time")
    report.say(f"after all requests the API has {kept_mb:.1f} MB more than after the first small one")
    ratios = {count: median_ratio(pairs) for count, (pairs, _) in measured.items()}
    runs = [pair for pairs, _ in measured.values() for pair in pairs]
    report.finish(
        max(ratios.values()), runs, unit="s", ratio_is="202 / HSETs, of the size with the largest",
        ratios=ratios, within=_within(ratios, [row for _, rows in measured.values() for row in rows]),
        accepted={count: [asdict(row) for row in rows] for count, (_, rows) in measured.items()},
        record_bytes=record_bytes, kept_mb=kept_mb,
    )  # fmt: skip


def _within(ratios: dict[int, float], rows: list[Accepted]) -> bool:
    return (
        max(ratios.values()) <= ALLOWED_RATIO
        and max(row.growth_mb for row in rows) < ALLOWED_MB
        and max(row.redis_bytes_per_job for row in rows) < ALLOWED_BYTES_PER_JOB
    )


def _row(count: int, pairs: list[Pair], rows: list[Accepted]) -> list[object]:
    return [
        f"{count:,}",
        median_ratio(pairs),
        max(row.growth_mb for row in rows),
        max(row.kept_mb for row in rows),
        f"{max(row.redis_bytes_per_job for row in rows):.0f}",
    ]


def _words(row: Accepted) -> str:
    memory = f"API +{row.growth_mb:.1f} MB, {row.kept_mb:.1f} kept"
    return f"{memory}; Redis {row.redis_bytes_per_job:.0f} bytes a job"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    return parser.parse_args()


if __name__ == "__main__":
    main()
