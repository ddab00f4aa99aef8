"""How often a key, or without keys an address, may ask; counted in Redis for all API processes together."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import redis
from flask import Flask, Response, request
from flask_limiter import Limit, Limiter, RateLimitExceeded

from api.auth import caller
from api.errors import problem_response
from shared.errors import RateLimited
from shared.settings import Settings

WINDOW_SECONDS = 60
READS = ("GET", "HEAD", "OPTIONS")
UNLIMITED = {"operations.healthz", "openapi_json"}  # they cost nothing, and a probe must not be refused
BLOCKS_PER_LIMIT = 1000
MOST_CALLERS = 10_000  # remembered at a time


class Prepaid:
    """Requests that were counted in Redis in advance, a block at a time, and not yet used.

    A check takes Flask-Limiter 0.3 ms, a fifth of a poll; a thousandth of the limit with each check costs
    next to nothing. A process that stops has counted up to that much too many.
    """

    def __init__(self, limit: int) -> None:
        self.block = max(1, limit // BLOCKS_PER_LIMIT)
        self._left: dict[str, int] = {}

    def use(self, who: str) -> bool:
        """Whether the request is paid for; if not, the next block is about to be."""
        left = self._left.get(who, 0)
        if len(self._left) >= MOST_CALLERS:
            self._left.clear()
        self._left[who] = (left or self.block) - 1
        return left > 0

    def refuse(self, who: str) -> None:
        """The block was not to be had."""
        self._left.pop(who, None)


class RateLimits:
    """While Redis is down nothing is counted: the views say 503 themselves."""

    def __init__(self, app: Flask, connection: redis.Redis, settings: Settings) -> None:
        self._reads = Prepaid(settings.max_reads_per_minute)
        self._writes = Prepaid(settings.max_writes_per_minute)
        per_minute = {"reads": settings.max_reads_per_minute, "writes": settings.max_writes_per_minute}
        self._limiter = Limiter(
            _who,
            storage_uri="redis://",  # where it is, the pool knows
            storage_options={"connection_pool": connection.connection_pool, "key_prefix": "sq:rate"},  # type: ignore[dict-item]  # handed on as it is
            strategy="fixed-window",
            default_limits=[
                Limit(f"{number}/minute", scope=kind, shared=True, exempt_when=_is_not(kind), cost=self._cost)
                for kind, number in per_minute.items()
            ],
            swallow_errors=True,
        )
        self._limiter.init_app(app)
        self._limiter.request_filter(self._needs_no_check)
        app.register_error_handler(RateLimitExceeded, self._refuse)

    def _needs_no_check(self) -> bool:
        return request.endpoint in UNLIMITED or self._prepaid().use(_who())

    def _prepaid(self) -> Prepaid:
        return self._reads if _kind() == "reads" else self._writes

    def _cost(self) -> int:
        return self._prepaid().block

    def _refuse(self, error: RateLimitExceeded) -> Response:
        """Retry-After is the end of the window, which begins with its first request."""
        self._prepaid().refuse(_who())
        kind, number, seconds = _kind(), error.limit.limit.amount, self._seconds_left()
        detail = (
            f"More than {number:,} {kind} in a minute (max_{kind}_per_minute); come again in {seconds} s. "
            "POST /v1/batches takes many jobs at once, and ?ids= polls a hundred"
        )
        response = problem_response(RateLimited(detail))
        response.headers["Retry-After"] = str(seconds)
        return response

    def _seconds_left(self) -> int:
        limit = self._limiter.current_limit
        with suppress(redis.RedisError):
            return max(1, int(limit.reset_at - time.time())) if limit else WINDOW_SECONDS
        return WINDOW_SECONDS


def _kind() -> str:
    return "reads" if request.method in READS else "writes"


def _is_not(kind: str) -> Callable[[], bool]:
    return lambda: _kind() != kind


def _who() -> str:
    """A key has a count of its own wherever it is used; without one, or with a wrong one, the address."""
    found = caller()
    return f"key:{found.key_id}" if found and found.key_id else f"address:{request.remote_addr}"
