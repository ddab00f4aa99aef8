"""Run the Lua scripts of shared/store/lua; each is one atomic step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import redis
from redis.commands.core import Script
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError

from shared.store.redis.connection import translated_errors
from shared.store.redis.lua import script_text
from shared.telemetry.metrics import REDIS_ERRORS

PREFIX = "sq:"


class Scripts:
    """Runs scripts by name; each is sent once and then called by its digest."""

    def __init__(self, connection: redis.Redis, names: Iterable[str]) -> None:
        self._pool = connection.connection_pool
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

    def read(self, name: str, *arguments: str | int) -> Any:
        """Like `run`, in less time, for scripts that change nothing."""
        with translated_errors(name):
            script = self._scripts[name]
            try:
                return self._call(script, arguments)
            except (RedisConnectionError, NoScriptError):
                return script(keys=[PREFIX], args=arguments)

    def run_each(
        self, connection: redis.Redis, name: str, calls: Iterable[tuple[str | int, ...]]
    ) -> list[Any]:
        """Run one script for many arguments, in one round trip."""
        script = self._scripts[name]
        with translated_errors(name), connection.pipeline(transaction=False) as pipeline:
            for arguments in calls:
                script(keys=[PREFIX], args=arguments, client=pipeline)
            return pipeline.execute()

    def _call(self, script: Script, arguments: Iterable[str | int]) -> Any:
        """Call a script that Redis knows, without redis-py's client, which takes longer than the socket."""
        connection = self._pool.get_connection()
        try:
            connection.send_command("EVALSHA", script.sha, 1, PREFIX, *arguments)
            return connection.read_response()
        finally:
            self._pool.release(connection)


def pairs(flat: Iterable[str]) -> Mapping[str, str]:
    """Return the fields of a flat HGETALL, as scripts return it."""
    fields = iter(flat)
    return dict(zip(fields, fields, strict=True))
