"""How often a key, or without keys an address, may ask; counted in Redis for all API processes together."""

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
from shared.errors import RateLimited
from shared.settings import Settings

READS = ("GET", "HEAD", "OPTIONS")
PROBES = {
    "operations.healthz",
    "operations.readyz",
}  # never refused: that would look like a service that is down
SETTINGS = {
    "reads": "max_reads_per_minute",
    "writes": "max_writes_per_minute",
    "pages": "max_reads_per_minute",  # need no key; guesses at keys are not counted here
}
BLOCKS_PER_LIMIT = 1000
DEAR = 10  # requests that a search, or a stream of a batch's records, counts as
SEARCHED = {"status", "tag"}
STREAMED = {"results.get_results", "results.get_rejected", "results.get_archive"}
MOST_CALLERS = 10_000  # remembered at a time


class Prepaid:
    """Requests that were counted in Redis in advance, a block at a time, and not yet used.

    A check is a round trip to Redis, as dear as all else that a poll asks of it; a thousandth of the limit
    with each check costs next to nothing. A process that stops has counted up to that much too many.
    """

    def __init__(self, limit: int) -> None:
        self.block = max(1, limit // BLOCKS_PER_LIMIT)
        self._left: dict[str, int] = {}

    def use(self, who: str, weight: int = 1) -> bool:
        """Whether the request is paid for; if not, the next block (`block_of`) is about to be."""
        left = self._left.get(who, 0)
        if len(self._left) >= MOST_CALLERS:
            self._left.clear()
        paid = left >= weight
        self._left[who] = left - weight if paid else left + self.block_of(weight) - weight
        return paid

    def block_of(self, weight: int) -> int:
        """How many requests are counted at a time, for one that counts as so many."""
        return max(self.block, weight)

    def refuse(self, who: str) -> None:
        """The block was not to be had."""
        self._left.pop(who, None)


class RateLimits:
    """While Redis is down nothing is counted: the views say 503 themselves."""

    def __init__(self, app: Flask, connection: redis.Redis, settings: Settings) -> None:
        per_minute = {kind: int(getattr(settings, name)) for kind, name in SETTINGS.items()}
        self._prepaid = {kind: Prepaid(number) for kind, number in per_minute.items()}
        self._limits = {kind: RateLimitItemPerMinute(number) for kind, number in per_minute.items()}
        storage = RedisStorage(
            "redis://",  # where it is, the pool knows
            connection_pool=connection.connection_pool,
            key_prefix="sq:rate",
        )
        self._limiter = FixedWindowRateLimiter(storage)
        app.before_request(self._check)

    def _check(self) -> None:
        """
        Raises:
            RateLimited: the caller has asked too often.
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
        """Until the end of the window, which begins with its first request."""
        return max(1, int(self._limiter.get_window_stats(limit, kind, who).reset_time - time.time()))


def _too_often(kind: str, limit: RateLimitItem) -> str:
    return (
        f"More than {limit.amount:,} {kind} in a minute ({SETTINGS[kind]}). "
        "POST /v1/batches takes many jobs at once, and ?ids= polls a hundred"
    )


def _weight(request: Request) -> int:
    """How many requests the one in hand counts as: what reads through many records counts as several."""
    searches = request.endpoint == "jobs.list_jobs" and SEARCHED & set(request.args)
    return DEAR if searches or request.endpoint in STREAMED else 1


def _kind(request: Request) -> str:
    if is_public():
        return "pages"
    return "reads" if request.method in READS else "writes"


def _who(request: Request) -> str:
    """A key has a count of its own wherever it is used; without one, or with a wrong one, the address."""
    found = caller()
    if found and found.key_id:
        return f"key:{found.key_id}"
    return f"address:{network_of(request.remote_addr or '')}"
