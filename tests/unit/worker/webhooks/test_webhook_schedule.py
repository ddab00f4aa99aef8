"""The retries of a webhook, and when it is given up."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.settings import Settings
from shared.wire.webhook_records import Attempt, DeliveryStatus
from worker.webhooks.schedule import JITTER, LONGEST_WISH_SECONDS, outcome_of

DELAYS = Settings().webhook_retry_seconds
PENDING, DELIVERED, FAILED = DeliveryStatus


def answered(status_code: int | None) -> Attempt:
    return Attempt(at=datetime.now(UTC), duration_ms=1.0, status_code=status_code)


@pytest.mark.parametrize(
    ("status_code", "tries", "status"),
    [
        (200, 0, DELIVERED),
        (204, 9, DELIVERED),
        (299, 0, DELIVERED),
        (302, 0, PENDING),
        (400, 0, PENDING),
        (500, 8, PENDING),
        (500, 9, FAILED),  # the tenth attempt
        (None, 0, PENDING),
        (None, 9, FAILED),
        (410, 0, FAILED),
    ],
)
def test_2xx_is_success_410_is_the_end_and_all_else_is_tried_ten_times(
    status_code: int | None, tries: int, status: DeliveryStatus
) -> None:
    assert outcome_of(answered(status_code), tries, DELAYS).status is status


def test_the_delays_are_the_schedules_and_up_to_a_fifth_more() -> None:
    for tries, delay in enumerate((5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)):
        seconds = {outcome_of(answered(500), tries, DELAYS).delay_seconds for _ in range(50)}
        assert delay <= min(seconds) < max(seconds) <= delay * (1 + JITTER)


def test_a_hopeless_one_is_not_tried_again() -> None:
    assert outcome_of(answered(None), 0, DELAYS, hopeless=True).status is FAILED


def test_a_receivers_wish_makes_a_delay_longer_never_shorter_and_not_for_ever() -> None:
    for wish, seconds in ((60, 60), (10**8, LONGEST_WISH_SECONDS)):
        assert outcome_of(answered(503), 0, DELAYS, wish_seconds=wish).delay_seconds == seconds
    assert outcome_of(answered(503), 1, DELAYS, wish_seconds=60).delay_seconds >= 300
