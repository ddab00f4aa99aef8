"""The limits that operators set for an owner; other owners have those of the settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import redis

from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX, Scripts
from shared.wire.operations.owner_records import OwnerLimits

LIMITS = PREFIX + "limits"


class LimitStore:
    """All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._scripts = Scripts(connection, ("limit_owner",))

    def put(self, owner: str, limits: OwnerLimits) -> None:
        """Set an owner's limits. If they are higher than before, the caller dispatches."""
        numbers = (limits.max_running, limits.max_waiting)
        self._scripts.run("limit_owner", owner, *("" if number is None else number for number in numbers))

    def of(self, owners: Sequence[str]) -> list[OwnerLimits]:
        """Return the limits of each owner."""
        names = [f"{name}:{owner}" for owner in owners for name in ("running", "waiting")]
        with translated_errors():
            found = cast("list[str | None]", self._redis.hmget(LIMITS, names)) if names else []
        numbers = [None if number is None else int(number) for number in found]
        return [
            OwnerLimits(max_running=running, max_waiting=waiting)
            for running, waiting in zip(numbers[::2], numbers[1::2], strict=True)
        ]

    def owners(self) -> set[str]:
        """Return the owners that have limits of their own."""
        with translated_errors():
            names = cast("list[str]", self._redis.hkeys(LIMITS))
        return {name.partition(":")[2] for name in names}
