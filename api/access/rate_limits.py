"""Rate limits per key, or without keys per address, counted in Redis for all API processes together."""

from __future__ import annotations

import time
from contextlib import suppress

import redis
from flask import Flask, Request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter

from api.access.auth import caller, is_public
from api.access.networks import network_of
from api.http.request_in_hand import current_request
from shared.request_errors import RateLimited
from shared.settings import Settings

READS = ("GET", "HEAD", "OPTIONS")
# Never refused: a refused probe looks like a service that is down.
PROBES = {"operations.healthz", "operations.readyz"}
SETTINGS = {
    "reads": "max_reads_per_minute",
    "writes": "max_writes_per_minute",
    "pages": "max_reads_per_minute",  # public pages, counted apart from requests with wrong keys
}
BLOCKS_PER_LIMIT = 1000
EXPENSIVE = 10  # requests as which a search, or a stream of a batch's records, counts
LISTS = {"jobs.list_jobs", "dead_letters.list_dead_letters"}
SEARCHED = {"status", "lane", "tag", "code", "custom_id", "text"}
WALKS = {
    "bulk_actions.create_bulk_action",
    "bulk_actions.confirm_bulk_action",
    "bulk_actions.advance_bulk_action",
}
STREAMED = {
    "jobs.get_jobs_archive",
    "batch_steering.get_failures",
    "results.get_results",
    "results.get_rejected",
    "results.get_archive",
}
MOST_CALLERS = 10_000  # in memory


class Prepaid:
    """Requests that were counted in Redis in advance, a block at a time, and not yet used.

    A check is a round trip to Redis, as expensive as the poll itself, so each check counts a block: a
    thousandth of the limit. A process that stops has counted up to one block too many.
    """

    def __init__(self, limit: int) -> None:
        self.block = max(1, limit // BLOCKS_PER_LIMIT)
        self._left: dict[str, int] = {}

    def use(self, who: str, weight: int = 1) -> bool:
        """Return whether the request is paid for. If not, the caller must count the next `block_of`."""
        left = self._left.get(who, 0)
        if len(self._left) >= MOST_CALLERS:
            self._left.clear()
        paid = left >= weight
        self._left[who] = left - weight if paid else left + self.block_of(weight) - weight
        return paid

    def block_of(self, weight: int) -> int:
        """Return how many requests to count in Redis at a time, for a request of this weight."""
        return max(self.block, weight)

    def refuse(self, who: str) -> None:
        """Forget the block, which Redis refused."""
        self._left.pop(who, None)


class RateLimits:
    """Checks each request. While Redis is down nothing is counted, as the views respond 503 anyway."""

    def __init__(self, app: Flask, connection: redis.Redis, settings: Settings) -> None:
        per_minute = {kind: int(getattr(settings, name)) for kind, name in SETTINGS.items()}
        self._prepaid = {kind: Prepaid(number) for kind, number in per_minute.items()}
        self._limits = {kind: RateLimitItemPerMinute(number) for kind, number in per_minute.items()}
        storage = RedisStorage(
            "redis://",  # the pool knows the address
            connection_pool=connection.connection_pool,
            key_prefix="sq:rate",
        )
        self._limiter = FixedWindowRateLimiter(storage)
        app.before_request(self._check)

    def _check(self) -> None:
        """Count the current request.

        Raises:
            RateLimited: the caller has sent too many.
        """
        request = current_request()
        if request.endpoint in PROBES:
            return
        kind, who = _kind(request), _who(request)
        prepaid, limit = self._prepaid[kind], self._limits[kind]
        weight = min(_weight(request), limit.amount)
        if prepaid.use(who, weight):
            return
        with suppress(redis.RedisError):
            if not self._limiter.hit(limit, kind, who, cost=prepaid.block_of(weight)):
                prepaid.refuse(who)
                raise RateLimited(_too_often(kind, limit), self._seconds_left(limit, kind, who))

    def _seconds_left(self, limit: RateLimitItem, kind: str, who: str) -> int:
        """Return the seconds until the window ends, which began with its first request."""
        return max(1, int(self._limiter.get_window_stats(limit, kind, who).reset_time - time.time()))


def _too_often(kind: str, limit: RateLimitItem) -> str:
    return (
        f"More than {limit.amount:,} {kind} in a minute ({SETTINGS[kind]}). "
        "POST /v1/batches takes many jobs at once, and ?ids= polls a hundred"
    )


def _weight(request: Request) -> int:
    """Return as how many requests this one counts; one that reads many records counts as several."""
    searches = request.endpoint in LISTS and SEARCHED & set(request.args)
    return EXPENSIVE if searches or request.endpoint in STREAMED | WALKS else 1


def _kind(request: Request) -> str:
    if is_public():
        return "pages"
    return "reads" if request.method in READS else "writes"


def _who(request: Request) -> str:
    """Return the name of the count: the key's own, or the address's without a valid key."""
    found = caller()
    if found and found.key_id:
        return f"key:{found.key_id}"
    return f"address:{network_of(request.remote_addr or '')}"
