"""Accounts in Redis: what the jobs of each owner took, by day and API key (lua/lib/owners/accounts.lua)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import redis

from shared.store.counts.effort import MICROSECONDS
from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX
from shared.wire.operations.account_records import ACCOUNT_DAYS, Account, AccountRow, By, Took

EPOCH = date(1970, 1, 1)
ACCOUNTED = PREFIX + "accounted"

Counts = Counter[str]  # in the words of the scripts


def today() -> date:
    return datetime.now(UTC).date()


class Accounts:
    """Reads accounts. All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection

    def of(self, owner: str, first: date, last: date, by: By) -> Account:
        rows: dict[str, Counts] = defaultdict(Counter)
        for day, fields in self._read(owner, _days(first, last)):
            for field, number in fields.items():
                key_id, _, what = field.partition(":")
                rows[day.isoformat() if by is By.DAY else key_id][what] += int(number)
        order: Callable[[tuple[str, Took]], Any] = _by_day if by is By.DAY else _by_jobs
        named = "day" if by is By.DAY else "key_id"
        taken = sorted(((name, _took(counts)) for name, counts in rows.items()), key=order, reverse=True)
        return Account(
            first_day=first,
            last_day=last,
            by=by,
            rows=tuple(AccountRow(**{**took.model_dump(), named: name or None}) for name, took in taken),
            total=_took(sum(rows.values(), Counter())),
        )

    def sums(self, owner: str, firsts: Sequence[date], last: date) -> list[Took]:
        """Return what an owner's jobs took from each of the `firsts` to the last day."""
        sums = [Counter[str]() for _ in firsts]
        for day, fields in self._read(owner, _days(min(firsts), last)):
            for first, so_far in zip(firsts, sums, strict=True):
                if day >= first:
                    so_far.update(_of_all_keys(fields))
        return [_took(counts) for counts in sums]

    def owners(self) -> set[str]:
        """Return the owners that have an account; forget those whose account has expired."""
        with translated_errors(), self._redis.pipeline(transaction=False) as pipeline:
            last = (today() - EPOCH).days - ACCOUNT_DAYS
            pipeline.zremrangebyscore(ACCOUNTED, "-inf", f"({last}")
            pipeline.zrange(ACCOUNTED, 0, -1)
            return set(cast("list[str]", pipeline.execute()[1]))

    def _read(self, owner: str, days: Sequence[date]) -> Iterator[tuple[date, Mapping[str, str]]]:
        with translated_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for day in days:
                pipeline.hgetall(f"{PREFIX}account:{owner}:{(day - EPOCH).days}")
            return zip(days, cast("list[dict[str, str]]", pipeline.execute()), strict=True)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _of_all_keys(fields: Mapping[str, str]) -> Counts:
    counts: Counts = Counter()
    for field, number in fields.items():
        counts[field.partition(":")[2]] += int(number)
    return counts


def _took(counts: Counts) -> Took:
    numbers = {name: counts[name] for name in Took.model_fields if name != "device_seconds"}
    return Took(**numbers, device_seconds=counts["device_us"] / MICROSECONDS)


def _by_day(row: tuple[str, Took]) -> str:
    return row[0]


def _by_jobs(row: tuple[str, Took]) -> tuple[int, str]:
    return row[1].jobs, row[0]
