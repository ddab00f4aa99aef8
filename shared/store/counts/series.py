"""Series of the last hour and day, which the worker with the leader lock notes; their size is fixed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, cast

import redis
from pydantic_core import from_json

from shared.store.counts.queue_state import QueueState
from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX, Scripts
from shared.wire.operations.stats_records import STAGES, Point, Stats, Window
from shared.wire.records import FINAL

MINUTE_MS = 60_000
SPANS: Mapping[Window, tuple[int, int]] = {  # the milliseconds of a point, and the number of points
    Window.HOUR: (MINUTE_MS, 61),
    Window.DAY: (15 * MINUTE_MS, 97),
}


class Series:
    """All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._state = QueueState(connection)
        self._scripts = Scripts(connection, ("sample",))

    def sample(self) -> None:
        """Note the totals of now in each series."""
        ages = [lane.oldest_seconds for lane in self._state.look() if lane.oldest_seconds is not None]
        oldest_ms = int(1000 * max(ages)) if ages else -1
        series = [part for window, span in SPANS.items() for part in (window, *span)]
        self._scripts.run("sample", oldest_ms, *series)

    def look(self, window: Window) -> Stats:
        """Return a series: the differences between the totals that were noted one after the other."""
        with translated_errors():
            texts = cast("list[str]", self._redis.hvals(f"{PREFIX}series:{window}"))
            seconds, _ = self._redis.time()
        span, number = SPANS[window]
        first = seconds * 1000 - span * number
        totals = sorted((from_json(text) for text in texts), key=lambda each: cast("int", each["at"]))
        recent = [each for each in totals if each["at"] >= first]
        points = (_point(before, after) for before, after in pairwise(recent))
        return Stats(window=window, points=tuple(points))


def _point(before: Mapping[str, Any], after: Mapping[str, Any]) -> Point:
    seconds = (after["at"] - before["at"]) / 1000
    ended = {status.value: max(0, after[status] - before[status]) for status in sorted(FINAL)}
    tried = ended["succeeded"] + ended["failed"]
    return Point(
        at=datetime.fromtimestamp(after["at"] / 1000, UTC),
        seconds=seconds,
        ended=ended,
        ended_per_second=round(sum(ended.values()) / seconds, 3),
        failure_rate=round(ended["failed"] / tried, 4) if tried else None,
        queued=after["queued"],
        running=after["running"],
        oldest_seconds=after["oldest"] / 1000 if after["oldest"] >= 0 else None,
        stage_ms=dict(_stage_means(before, after)),
    )


def _stage_means(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the stages that jobs had in the span. Older versions did not time them."""
    for stage in STAGES:
        us, jobs = (
            int(after.get(kind, {}).get(stage, 0)) - int(before.get(kind, {}).get(stage, 0))
            for kind in ("stage", "timed")
        )
        if jobs > 0:
            yield stage, round(us / jobs / 1000, 2)
