"""Totals of what happened to jobs since the beginning, counted by the steps themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import redis

from shared.errors import PermanentError, StyleQueueError, TransientError
from shared.store.counts.effort import MICROSECONDS
from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX
from shared.wire.descriptors import Lane
from shared.wire.records import FINAL, JobStatus

WORKER_LOST = "worker-lost"  # said by the step that takes jobs from silent workers
OTHER = "other"  # said by workers of another version


def _codes_below(error: type[StyleQueueError]) -> Iterator[str]:
    yield error.code
    for kind in error.__subclasses__():
        yield from _codes_below(kind)


CODES = frozenset(
    {StyleQueueError.code, WORKER_LOST, *_codes_below(TransientError), *_codes_below(PermanentError)}
)


@dataclass(frozen=True)
class Tallies:
    """Totals that only grow. Everything that can happen has an entry, from 0 on."""

    ended: dict[tuple[Lane, JobStatus], int]
    failed: dict[str, int]  # by error code
    leases_lost: dict[Lane, int]  # from workers that fell silent
    pixels: int  # of the pictures that jobs ended with
    device_seconds: float
    image_bytes: dict[str, int]  # of files that workers read ('in'), and of pictures ('out')


def read_tallies(connection: redis.Redis) -> Tallies:
    """
    Raises:
        QueueUnavailable: Redis does not respond.
    """
    with translated_errors():
        counts = cast("dict[str, str]", connection.hgetall(PREFIX + "tallies"))
    failed = dict.fromkeys([*sorted(CODES), OTHER], 0)
    for what, number in counts.items():
        kind, _, code = what.partition(":")
        if kind == "failed":
            failed[code if code in CODES else OTHER] += int(number)
    return Tallies(
        ended={
            (lane, status): int(counts.get(f"ended:{lane}:{status}", 0))
            for lane in Lane
            for status in sorted(FINAL)
        },
        failed=failed,
        leases_lost={lane: int(counts.get(f"taken:{lane}", 0)) for lane in Lane},
        pixels=int(counts.get("used:pixels", 0)),
        device_seconds=int(counts.get("used:device_us", 0)) / MICROSECONDS,
        image_bytes={way: int(counts.get(f"used:bytes_{way}", 0)) for way in ("in", "out")},
    )
