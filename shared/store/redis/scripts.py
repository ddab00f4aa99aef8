"""The Lua scripts (shared/store/lua), each one atomic step; the stores say in Python what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

import redis

from shared.scheduling.cost import USUAL_COST
from shared.store.redis.connection import translated_errors
from shared.telemetry.metrics import REDIS_ERRORS
from shared.wire.descriptors import Lane
from shared.wire.records import FINAL, TRANSITIONS, JobStatus

PREFIX = "sq:"
LOOKING = frozenset(
    {"alive", "look", "look_batch", "queue_state", "recent", "usage"}
)  # all other scripts change something


class Scripts:
    """Runs scripts by name; each is sent once and then called by its digest."""

    def __init__(self, connection: redis.Redis, names: Iterable[str]) -> None:
        self._scripts = {name: connection.register_script(_text(name)) for name in names}
        for name in self._scripts:
            REDIS_ERRORS.labels(name)  # from zero on

    def run(self, name: str, *arguments: str | int) -> Any:
        """
        Raises:
            QueueUnavailable: Redis does not answer. The step may have been done; it is safe to repeat.
        """
        with translated_errors(name):
            return self._scripts[name](keys=[PREFIX], args=arguments)

    def run_each(
        self, connection: redis.Redis, name: str, calls: Iterable[tuple[str | int, ...]]
    ) -> list[Any]:
        """The same script with many arguments, in one round trip."""
        script = self._scripts[name]
        with translated_errors(name), connection.pipeline(transaction=False) as pipeline:
            for arguments in calls:
                script(keys=[PREFIX], args=arguments, client=pipeline)
            return pipeline.execute()


def pairs(flat: Iterable[str]) -> Mapping[str, str]:
    """What HGETALL answers within a script."""
    fields = iter(flat)
    return dict(zip(fields, fields, strict=True))


def _text(name: str) -> str:
    facts = f"local LANES = {{{', '.join(map(repr, map(str, Lane)))}}} local USUAL_COST = {USUAL_COST}"
    if name in LOOKING:
        return "\n".join([facts, *map(_part, ("keys", "quotas", "lines", "position", name))])
    legal = ", ".join(f"{status} = {_lua_set(following)}" for status, following in TRANSITIONS.items())
    tables = f"local LEGAL, FINAL = {{{legal}}}, {_lua_set(FINAL)}"
    parts = map(_part, ("keys", "quotas", "lines", "deliveries", "objects", "tags", "waiting", "steps", name))
    return "\n".join([facts, tables, *parts])


def _part(name: str) -> str:
    return (resources.files("shared.store") / "lua" / f"{name}.lua").read_text("utf-8")


def _lua_set(statuses: Iterable[JobStatus]) -> str:
    return "{" + ", ".join(f"{status} = true" for status in sorted(statuses)) + "}"
