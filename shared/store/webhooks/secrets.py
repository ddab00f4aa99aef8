"""Secrets that sign owners' webhooks. Signing needs the secret itself, so it is stored as it is."""

from __future__ import annotations

import base64
import math
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import redis

from shared.store.redis.scripts import Scripts
from shared.wire.webhook_records import WebhookSecret

SECRET = "whsec_"  # noqa: S105 - by this prefix secrets are known
SECRET_BYTES = 32
OVERLAP_SECONDS = 86_400  # for which an old secret signs beside the new one
MOST_SECRETS = 3  # that sign at a time
ONLY_THE_FIRST = -1


class WebhookSecrets:
    """All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis) -> None:
        self._scripts = Scripts(connection, ("rotate_secret",))

    def get(self, owner: str) -> WebhookSecret:
        """Return the owner's secret, which is made at its first use."""
        return _view(self._ask(owner, ONLY_THE_FIRST))

    def rotate(self, owner: str, overlap_seconds: float = OVERLAP_SECONDS) -> WebhookSecret:
        """Return a new secret. Earlier ones also sign for a while."""
        return _view(self._ask(owner, int(overlap_seconds * 1000)))

    def signing(self, owner: str) -> list[str]:
        """Return all secrets that sign now, the newest first."""
        return [secret for secret, _ in self._ask(owner, ONLY_THE_FIRST)]

    def _ask(self, owner: str, overlap_ms: int) -> list[tuple[str, float]]:
        new = SECRET + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
        flat = cast("list[str]", self._scripts.run("rotate_secret", owner, new, overlap_ms, MOST_SECRETS))
        return [(secret, float(until)) for secret, until in zip(flat[::2], flat[1::2], strict=True)]


def _view(kept: Sequence[tuple[str, float]]) -> WebhookSecret:
    (secret, _), *old = kept
    until = max((until for _, until in old if until < math.inf), default=None)
    return WebhookSecret(
        secret=secret, old_secret_signs_until=until and datetime.fromtimestamp(until / 1000, UTC)
    )
