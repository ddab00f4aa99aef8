from __future__ import annotations

from worker.jobs.watchdog import TIMEOUT_PIXELS, attempt_seconds


def test_the_time_of_an_attempt_grows_with_a_huge_picture_only() -> None:
    assert attempt_seconds(300, 0) == attempt_seconds(300, TIMEOUT_PIXELS) == 300
    assert attempt_seconds(300, 6 * TIMEOUT_PIXELS) == 1800
