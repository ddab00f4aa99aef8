from __future__ import annotations

import pytest

from worker.supervision import pulse
from worker.supervision.pulse import LONGEST_LOOK_SECONDS, SILENT_SECONDS, Pulse, beat


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(pulse.time, "monotonic", lambda: now[0])
    return now


def look_for(pulse: Pulse, clock: list[float], seconds: float) -> bool:
    silent = False
    for _ in range(int(seconds * 2)):
        clock[0] += 0.5
        silent = pulse.is_silent()
    return silent


def test_a_process_is_silent_if_its_beats_stop(clock: list[float]) -> None:
    with Pulse() as watched:
        beat(watched.file)
        assert not look_for(watched, clock, SILENT_SECONDS)
        beat(watched.file)
        assert not look_for(watched, clock, SILENT_SECONDS)
        assert look_for(watched, clock, SILENT_SECONDS + 1)


def test_a_process_that_has_not_begun_to_beat_may_take_its_time(clock: list[float]) -> None:
    with Pulse() as watched:
        assert not look_for(watched, clock, 10 * SILENT_SECONDS)
        beat(watched.file)
        watched.reset()  # of an earlier process
        assert not look_for(watched, clock, 10 * SILENT_SECONDS)


def test_time_in_which_nobody_looked_does_not_count(clock: list[float]) -> None:
    with Pulse() as watched:
        beat(watched.file)
        watched.is_silent()
        clock[0] += 1000
        assert not watched.is_silent()
        assert LONGEST_LOOK_SECONDS < SILENT_SECONDS


def test_a_full_pipe_or_a_reader_that_is_gone_does_no_harm() -> None:
    with Pulse() as watched:
        for _ in range(100_000):
            beat(watched.file)
        assert not watched.is_silent()
