from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from worker.jobs.busy_rate import HALF_LIFE_SECONDS, BusyRate


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rate(clock: Clock) -> BusyRate:
    return BusyRate(clock)


def run_jobs(rate: BusyRate, clock: Clock, count: int, seconds: float) -> None:
    """Run so many jobs of so many seconds, one after the other."""
    for _ in range(count):
        with rate.holding():
            clock.seconds += seconds
            rate.count_ended()


def test_there_is_no_rate_before_the_first_job_ended(rate: BusyRate, clock: Clock) -> None:
    assert rate.per_second() is None
    with rate.holding():
        clock.seconds += 100
        assert rate.per_second() is None
    assert rate.per_second() is None  # it was given back


@pytest.mark.parametrize("seconds", [0.01, 0.5, 4.0])
def test_one_job_after_the_other_gives_one_per_duration(rate: BusyRate, clock: Clock, seconds: float) -> None:
    run_jobs(rate, clock, 1, seconds)
    assert rate.per_second() == pytest.approx(1 / seconds, rel=0.03)
    run_jobs(rate, clock, 1000, seconds)
    assert rate.per_second() == pytest.approx(1 / seconds, rel=0.03)


@pytest.mark.parametrize("idle_seconds", [0.0, 1.0, 3600.0, 10**7])
def test_idle_time_changes_nothing(rate: BusyRate, clock: Clock, idle_seconds: float) -> None:
    run_jobs(rate, clock, 10, 0.5)
    before = rate.per_second()
    clock.seconds += idle_seconds
    assert rate.per_second() == before
    run_jobs(rate, clock, 10, 0.5)
    assert rate.per_second() == pytest.approx(2, rel=0.1)


def test_jobs_that_overlap_share_their_time(rate: BusyRate, clock: Clock) -> None:
    for _ in range(5):
        with ExitStack() as four:
            for _ in range(4):
                four.enter_context(rate.holding())
            clock.seconds += 2
            for _ in range(4):
                rate.count_ended()
    assert rate.per_second() == pytest.approx(2, rel=0.1)


def test_jobs_that_overlap_in_part_count_their_time_once(rate: BusyRate, clock: Clock) -> None:
    first, second = rate.holding(), rate.holding()
    first.__enter__()
    clock.seconds += 1
    second.__enter__()
    clock.seconds += 1
    rate.count_ended()
    first.__exit__(None, None, None)
    clock.seconds += 1
    rate.count_ended()
    second.__exit__(None, None, None)
    clock.seconds += 50
    assert rate.per_second() == pytest.approx(2 / 3, rel=0.03)


def test_in_the_middle_of_a_job_its_time_so_far_counts(rate: BusyRate, clock: Clock) -> None:
    run_jobs(rate, clock, 1, 1)
    with rate.holding():
        clock.seconds += 1
        assert rate.per_second() == pytest.approx(1 / 2, rel=0.02)
        clock.seconds += 2
        assert rate.per_second() == pytest.approx(1 / 4, rel=0.03)


def test_asking_changes_nothing(clock: Clock) -> None:
    asked, left_alone = BusyRate(clock), BusyRate(clock)
    with asked.holding(), left_alone.holding():
        asked.count_ended()
        left_alone.count_ended()
        for _ in range(100):
            clock.seconds += 0.7
            asked.per_second()
    assert asked.per_second() == pytest.approx(left_alone.per_second(), rel=1e-9)


def test_after_a_half_life_the_past_weighs_half_and_after_ten_next_to_nothing(
    rate: BusyRate, clock: Clock
) -> None:
    run_jobs(rate, clock, 10_000, 0.1)
    assert rate.per_second() == pytest.approx(10, rel=0.01)
    run_jobs(rate, clock, int(HALF_LIFE_SECONDS), 1)
    assert rate.per_second() == pytest.approx((10 + 1) / 2, rel=0.01)
    run_jobs(rate, clock, int(9 * HALF_LIFE_SECONDS), 1)
    assert rate.per_second() == pytest.approx(1, rel=0.03)


def test_a_job_that_took_no_time_by_the_clock_gives_no_rate(rate: BusyRate, clock: Clock) -> None:
    run_jobs(rate, clock, 1, 0)
    assert rate.per_second() is None
    run_jobs(rate, clock, 1, 0.5)
    assert rate.per_second() == pytest.approx(4, rel=0.01)


def test_a_job_that_raises_is_held_no_longer(rate: BusyRate, clock: Clock) -> None:
    run_jobs(rate, clock, 1, 1)
    before = rate.per_second()
    with pytest.raises(MemoryError), rate.holding():
        raise MemoryError
    clock.seconds += 100
    assert rate.per_second() == before


def test_many_threads_at_a_time_lose_no_job(clock: Clock) -> None:
    rate = BusyRate(clock)

    def work() -> None:
        for _ in range(500):
            with rate.holding():
                rate.count_ended()
                rate.per_second()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with rate.holding():
        clock.seconds += 1
    clock.seconds += 100  # and nobody holds anything any more
    assert rate.per_second() == pytest.approx(4000, rel=0.01)
