"""Ends of jobs in the last minute and in the last quarter of an hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import redis

from shared.store.redis.scripts import Scripts, pairs
from shared.wire.operations.queue_records import Period, RecentEnds
from shared.wire.records import FINAL

SPAN_SECONDS = 10  # as transitions.lua counts
MINUTE, QUARTER_HOUR = 6, 90  # spans, the one that has just begun among them


class Recent:
    """Reads recent counts and never writes."""

    def __init__(self, connection: redis.Redis) -> None:
        self._scripts = Scripts(connection, ["recent_counts"])

    def look(self) -> RecentEnds:
        """
        Raises:
            QueueUnavailable: Redis does not respond.
        """
        now_ms, *flat = self._scripts.run("recent_counts", QUARTER_HOUR)
        spans = [_counted(fields) for fields in flat]
        begun_seconds = now_ms / 1000 % SPAN_SECONDS
        return RecentEnds(
            at=datetime.fromtimestamp(now_ms / 1000, UTC),
            minute=_period(spans[:MINUTE], begun_seconds),
            quarter_hour=_period(spans, begun_seconds),
        )


def _counted(fields: Sequence[str]) -> Counter[str]:
    """Return the numbers by `status` and `failed:code`, of all lanes."""
    counts: Counter[str] = Counter()
    for what, number in pairs(fields).items():
        kind, _, rest = what.partition(":")
        if kind == "ended":
            counts[rest.partition(":")[2]] += int(number)
        elif kind == "failed":
            counts[what] += int(number)
    return counts


def _period(spans: Sequence[Counter[str]], begun_seconds: float) -> Period:
    total: Counter[str] = sum(spans, Counter())
    seconds = (len(spans) - 1) * SPAN_SECONDS + begun_seconds
    ended = {status: total[status] for status in sorted(FINAL)}
    failed = {what.removeprefix("failed:"): number for what, number in total.items() if ":" in what}
    return Period(
        seconds=round(seconds, 1),
        ended=ended,
        ended_per_second=round(sum(ended.values()) / seconds, 3),
        failed=dict(sorted(failed.items(), key=lambda item: (-item[1], item[0]))),
    )
