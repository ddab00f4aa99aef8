"""API keys: listed, made and revoked over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from client.blocking import Facade, blocking
from client.http.answers import parsed, refusing_what_the_model_refuses
from client.http.lists import path_of, query_of
from client.http.transport import Transport
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import Scope
from shared.wire.operations.key_records import KeyList, KeyRequest, KeyView, NewKey


class AsyncKeys:
    """The part of `AsyncStyleQueue` for API keys. It needs an admin key."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self, owner: str | None = None) -> tuple[KeyView, ...]:
        """Return the keys of an owner, or all, the oldest first."""
        return parsed(KeyList, await self._transport.get(path_of("keys"), query_of(owner=owner))).keys

    async def create(
        self,
        owner: str,
        scope: Scope = Scope.USER,
        *,
        name: str = "",
        lanes: Sequence[Lane] | None = None,
        expires: str | None = None,
    ) -> NewKey:
        """Make a key; only this response has its text. `expires` is a text like 90d or 2026-12-31.

        Raises:
            RequestRefused: nobody may have such a key, or the service may not make keys.
        """
        with refusing_what_the_model_refuses():
            wanted = KeyRequest(
                owner=owner, scope=scope, name=name, lanes=tuple(lanes) if lanes else None, expires=expires
            )
        return parsed(NewKey, await self._transport.post(path_of("keys"), wanted))

    async def revoke(self, key_id: str) -> None:
        """Revoke a key. Within two seconds, the service refuses requests with it."""
        await self._transport.delete(path_of("keys", key_id))


class Keys(Facade):
    """The part of `StyleQueue` for API keys."""

    list = blocking(AsyncKeys.list)
    create = blocking(AsyncKeys.create)
    revoke = blocking(AsyncKeys.revoke)
