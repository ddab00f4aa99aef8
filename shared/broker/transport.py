"""kombu's Redis transport without acknowledgements, and with one client for all commands of a channel."""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis


class _Channel(redis.Channel):
    _lasting: Any = None

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """Do nothing: Redis keeps no delivered message that could be deleted (`no_ack` of the queues)."""

    def _create_client(self, asynchronous: bool = False) -> Any:
        """Return the same client as long as its pool lasts. kombu makes one for each command."""
        if asynchronous:
            return super()._create_client(asynchronous=True)
        if self._lasting is None or self._lasting.connection_pool is not self.pool:
            self._lasting = super()._create_client()
        return self._lasting


class Transport(redis.Transport):
    Channel = _Channel


class _SentinelChannel(_Channel, redis.SentinelChannel):
    """The same for a server that Sentinels name."""


class SentinelTransport(redis.SentinelTransport):
    Channel = _SentinelChannel


def use_this_transport() -> None:
    """Let the schemes of broker URLs lead here; an option of Celery would show in every URL in the log."""
    for scheme, transport in {
        "redis": Transport,
        "rediss": Transport,
        "sentinel": SentinelTransport,
    }.items():
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{transport.__name__}"
