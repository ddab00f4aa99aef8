"""A dead worker stays down for a delay, or for ever."""

from __future__ import annotations

import signal

import pytest

from worker.stopping import EXIT_NOT_STARTED
from worker.supervision.restarts import FAILED_STARTS, Backoff, cannot_start, keeps_failing


@pytest.mark.parametrize(("deaths", "seconds"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (60, 30)])
def test_the_delay_doubles_up_to_its_limit(deaths: int, seconds: float) -> None:
    assert Backoff().delay_seconds(deaths) == seconds


@pytest.mark.parametrize(
    ("exit_code", "deaths", "start_ends", "fleet_ends"),
    [
        (1, FAILED_STARTS - 1, False, False),
        (1, FAILED_STARTS, True, True),
        (-signal.SIGKILL, FAILED_STARTS, True, False),
        (EXIT_NOT_STARTED, 1, True, False),
        (EXIT_NOT_STARTED, FAILED_STARTS, True, True),
    ],
)
def test_a_start_ends_sooner_than_a_fleet(
    exit_code: int, deaths: int, *, start_ends: bool, fleet_ends: bool
) -> None:
    assert cannot_start(exit_code, deaths) is start_ends
    assert keeps_failing(exit_code, deaths) is fleet_ends
