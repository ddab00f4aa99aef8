"""All owners: what they have, what their jobs took, and their limits."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

import redis

from shared.policy.queue_limits import QueueLimits
from shared.store.api_keys import KeyStore
from shared.store.owner_lists import OwnerLists
from shared.store.owners.accounts import Accounts, today
from shared.store.owners.limits import LimitStore
from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX
from shared.wire.operations.account_records import Took
from shared.wire.operations.owner_records import OwnerLimits, OwnerView
from shared.wire.records import JobStatus

HELD = (JobStatus.RUNNING, JobStatus.CANCELING)
PERIODS_DAYS = (1, 7, 30)

Span = tuple[date, date]


@dataclass(frozen=True)
class Counts:
    """An owner's jobs by status, and bytes in the bucket."""

    jobs: Counter[str]
    stored_bytes: int


class Owners:
    """All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis, usual: QueueLimits, most_running: int) -> None:
        """`usual` and `most_running` are the limits of owners without limits of their own."""
        self.limits = LimitStore(connection)
        self._redis = connection
        self._usual = usual
        self._most_running = most_running
        self._accounts = Accounts(connection)
        self._key_store = KeyStore(connection)
        self._lists = OwnerLists(connection)

    def names(self) -> list[str]:
        """Return the owners that have a key, records, limits of their own, or an account of the last days."""
        api_keys = self._key_store.keys()
        found = {*self._lists.owners(), *self._accounts.owners(), *self.limits.owners()}
        return sorted(found | {key.owner for key in api_keys})

    def page(self, cursor: str | None, number: int, span: Span | None) -> tuple[list[OwnerView], str | None]:
        """Return up to `number` owners whose names come after the cursor, and the next cursor."""
        names = self.names()
        first = bisect_right(names, cursor) if cursor else 0
        some = names[first : first + number]
        return self.look(some, span), some[-1] if first + number < len(names) else None

    def look(self, names: Sequence[str], span: Span | None = None) -> list[OwnerView]:
        """Return the owners of these names; with a span of days also what their jobs took in it."""
        api_keys = self._key_store.keys()
        keys = Counter(key.owner for key in api_keys if not key.has_expired)
        counts, limits = self._counts(names), self.limits.of(names)
        return [
            self._view(name, keys[name], counts_of, limits_of, span)
            for name, counts_of, limits_of in zip(names, counts, limits, strict=True)
        ]

    def _view(
        self, name: str, keys: int, counts: Counts, limits: OwnerLimits, span: Span | None
    ) -> OwnerView:
        running = self._most_running if limits.max_running is None else limits.max_running
        waiting = self._usual.of_owner if limits.max_waiting is None else limits.max_waiting
        day, week, month = self._lately(name)
        return OwnerView(
            owner=name,
            waiting=counts.jobs[JobStatus.QUEUED],
            running=sum(counts.jobs[status] for status in HELD),
            most_running=running or None,
            most_waiting=waiting,
            limits=limits,
            stored_bytes=counts.stored_bytes,
            most_stored_bytes=self._usual.quotas.stored,
            keys=keys,
            last_day=day,
            last_7_days=week,
            last_30_days=month,
            span=self._accounts.sums(name, [span[0]], span[1])[0] if span else None,
        )

    def _lately(self, name: str) -> list[Took]:
        last = today()
        return self._accounts.sums(name, [last - timedelta(days=days - 1) for days in PERIODS_DAYS], last)

    def _counts(self, names: Sequence[str]) -> list[Counts]:
        with translated_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.hgetall(f"{PREFIX}counts:{name}")
                pipeline.hget(PREFIX + "stored", name)
            found = pipeline.execute()
        return [
            Counts(Counter({status: int(number) for status, number in jobs.items()}), int(stored or 0))
            for jobs, stored in zip(
                cast("list[dict[str, str]]", found[::2]), cast("list[str | None]", found[1::2]), strict=True
            )
        ]
