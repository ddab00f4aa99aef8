"""Run the Lua scripts of shared/store/lua; each is one atomic step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import redis

from shared.store.redis.connection import translated_errors
from shared.store.redis.lua import script_text
from shared.telemetry.metrics import REDIS_ERRORS

PREFIX = "sq:"


class Scripts:
    """Runs scripts by name; each is sent once and then called by its digest."""

    def __init__(self, connection: redis.Redis, names: Iterable[str]) -> None:
        self._scripts = {name: connection.register_script(script_text(name)) for name in names}
        for name in self._scripts:
            REDIS_ERRORS.labels(name)  # from zero on

    def run(self, name: str, *arguments: str | int) -> Any:
        """
        Raises:
            QueueUnavailable: Redis does not respond. The step may be done; repeating it is safe.
        """
        with translated_errors(name):
            return self._scripts[name](keys=[PREFIX], args=arguments)

    def run_each(
        self, connection: redis.Redis, name: str, calls: Iterable[tuple[str | int, ...]]
    ) -> list[Any]:
        """Run one script for many arguments, in one round trip."""
        script = self._scripts[name]
        with translated_errors(name), connection.pipeline(transaction=False) as pipeline:
            for arguments in calls:
                script(keys=[PREFIX], args=arguments, client=pipeline)
            return pipeline.execute()


def pairs(flat: Iterable[str]) -> Mapping[str, str]:
    """Return the fields of a flat HGETALL, as scripts return it."""
    fields = iter(flat)
    return dict(zip(fields, fields, strict=True))
