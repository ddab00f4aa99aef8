"""Decides after an attempt at a webhook whether and when there is another one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from http import HTTPStatus

from shared.store.webhooks.deliveries import Outcome
from shared.wire.webhook_records import Attempt, DeliveryStatus

JITTER = 0.2  # at most of a delay, so that webhooks that failed together are not retried together
LONGEST_WISH_SECONDS = 86_400  # of a Retry-After that is obeyed
SUCCESS = range(200, 300)


def outcome_of(
    attempt: Attempt,
    tries: int,
    delays: Sequence[float],
    *,
    hopeless: bool = False,
    wish_seconds: float = 0,
) -> Outcome:
    """Return the outcome of an attempt.

    Args:
        tries: the number of earlier attempts.
        delays: the delays after the first attempt, the second, and so on.
        hopeless: this attempt is the last one, as it is after a 410.
        wish_seconds: the receiver's Retry-After, which can only make a delay longer.
    """
    if attempt.status_code in SUCCESS:
        return Outcome(DeliveryStatus.DELIVERED, attempt)
    if hopeless or attempt.status_code == HTTPStatus.GONE or tries >= len(delays):
        return Outcome(DeliveryStatus.FAILED, attempt)
    delay = delays[tries] * (1 + random.uniform(0, JITTER))  # noqa: S311 - no secret
    return Outcome(DeliveryStatus.PENDING, attempt, max(delay, min(wish_seconds, LONGEST_WISH_SECONDS)))
