"""The time that minimizations take, in words."""

from __future__ import annotations

from typing import Any

import pytest

from client.commands.painting_times import time_left_in_words, times_in_words
from shared.wire.loss_records import JobProgress
from shared.wire.params import Params
from shared.wire.records import Capabilities

RATE = 50_000.0  # steps on one pixel in a second


def service(rate: float | None = RATE) -> Capabilities:
    nothing: dict[str, Any] = dict.fromkeys(("formats_in", "formats_out", "sources", "lanes", "models"), ())
    limits = {"optimize_max_side": 1024.0, "optimize_target_seconds": 300.0}
    return Capabilities(**nothing, limits=limits, optimize_rate=rate)


def words(**params: Any) -> str:
    return times_in_words(service(), Params(method="optimize", **params))


def test_without_a_size_the_one_that_the_worker_chooses_is_told() -> None:
    told = words()
    assert "256 px: about 3 min, 512 px: about 13 min, 1024 px: about 52 min" in told
    assert "The worker chooses about 304 px, for 5 min" in told


def test_an_asked_size_is_told_and_none_is_chosen() -> None:
    told = words(max_side=384)
    assert "384 px: about 7 min" in told
    assert "chooses" not in told


def test_fewer_steps_smaller_levels_and_a_time_limit_count() -> None:
    assert "512 px: about 2 min" in words(iterations=25)
    assert "512 px: about 5 min" in words(levels=3)
    assert "for 60 s" in words(max_seconds=60)


def test_what_nobody_has_measured_is_not_guessed() -> None:
    assert times_in_words(service(None), Params(method="optimize")).startswith("No worker has measured")


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({}, ""),
        ({"seconds_left": 250.0}, "about 4 min left"),
        ({"seconds_left": 20.4, "chosen_side": 384}, "384 px, about 20 s left"),
        ({"chosen_side": 384}, "384 px"),
    ],
)
def test_the_time_left_is_told_once_it_is_known(members: dict[str, Any], told: str) -> None:
    assert time_left_in_words(JobProgress(stage="optimize", fraction=0.5, **members)) == told
