"""What follows an attempt to deliver a webhook: the end of it, or another attempt and when."""

from __future__ import annotations

import random
from collections.abc import Sequence
from http import HTTPStatus

from shared.store.deliveries import Outcome
from shared.wire.webhook_records import Attempt, DeliveryStatus

JITTER = 0.2  # of a delay, at the most, so that what failed together does not come back together
LONGEST_WISH_SECONDS = 86_400  # of a Retry-After
SUCCESS = range(200, 300)


def outcome_of(
    attempt: Attempt,
    tries: int,
    delays: Sequence[float],
    *,
    hopeless: bool = False,
    wish_seconds: float = 0,
) -> Outcome:
    """`tries` came before this attempt; `delays` are those after the first, the second, and so on.

    An attempt is the last one if it is hopeless or the receiver answers 410. `wish_seconds` is the receiver's
    Retry-After, which can only make a delay longer.
    """
    if attempt.status_code in SUCCESS:
        return Outcome(DeliveryStatus.DELIVERED, attempt)
    if hopeless or attempt.status_code == HTTPStatus.GONE or tries >= len(delays):
        return Outcome(DeliveryStatus.FAILED, attempt)
    delay = delays[tries] * (1 + random.uniform(0, JITTER))  # noqa: S311 - no secret
    return Outcome(DeliveryStatus.PENDING, attempt, max(delay, min(wish_seconds, LONGEST_WISH_SECONDS)))
