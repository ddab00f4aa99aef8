"""Checks that a Redis is fit for the service: all at start, and by /readyz what may change later."""

from __future__ import annotations

import redis

from shared.errors import QueueRefused, QueueUnavailable
from shared.settings import PREFIX, Settings
from shared.store.redis.commands import refused_commands
from shared.store.redis.connection import connect, translated_errors
from shared.store.redis.errors import CLUSTER_MODE
from shared.store.redis.health import eviction_policy, may_evict

SHOWN_COMMANDS = 3


class RedisFitness:
    """The demands on a Redis; `evicting_is_accepted` admits one that may evict jobs."""

    def __init__(self, connection: redis.Redis, *, evicting_is_accepted: bool) -> None:
        self._connection = connection
        self._evicting_is_accepted = evicting_is_accepted

    def check(self) -> None:
        """
        Raises:
            QueueRefused: it runs in Cluster mode, may evict jobs, or its user may not run all commands.
            QueueUnavailable: it does not respond.
        """
        if refused := refused_commands(self._connection):
            raise QueueRefused(
                f"Redis' user may not run {_shown(refused)}; docs/8-security.md has the ACL that it needs"
            )
        with translated_errors():
            cluster = self._connection.info("cluster")  # Redis and Valkey name the mode differently elsewhere
        if cluster["cluster_enabled"]:
            raise QueueRefused(CLUSTER_MODE)
        self.check_eviction()

    def check_eviction(self) -> None:
        """
        Raises:
            QueueRefused: it may evict jobs.
            QueueUnavailable: it does not respond.
        """
        with translated_errors():
            policy = eviction_policy(self._connection.info("memory"))
        if may_evict(policy) and not self._evicting_is_accepted:
            raise QueueRefused(
                f"Redis may throw jobs away when it is full: its maxmemory-policy is {policy}; "
                f"set it to noeviction, or {PREFIX}REDIS_MAY_EVICT=true to accept that"
            )


def refuse_unfit_redis(settings: Settings) -> None:
    """Check the Redis that a process is about to use. One that does not respond may be fit.

    Raises:
        QueueRefused: it is not fit; names the variable.
    """
    connection = connect(settings.redis_url)
    try:
        RedisFitness(connection, evicting_is_accepted=settings.redis_may_evict).check()
    except QueueRefused as error:
        raise QueueRefused(f"{PREFIX}REDIS_URL: {error.detail}") from error
    except QueueUnavailable:
        return
    finally:
        connection.close()


def has_memory_limit(settings: Settings) -> bool:
    """Return whether Redis has a maxmemory.

    Raises:
        QueueUnavailable: Redis does not respond.
    """
    connection = connect(settings.redis_url)
    try:
        with translated_errors():
            return bool(connection.info("memory")["maxmemory"])
    finally:
        connection.close()


def _shown(commands: list[str]) -> str:
    shown = ", ".join(commands[:SHOWN_COMMANDS])
    return f"{shown} and {len(commands) - SHOWN_COMMANDS} more" if commands[SHOWN_COMMANDS:] else shown
