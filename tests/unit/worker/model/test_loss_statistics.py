"""Mean and spread, against the standard library's over all values."""

from __future__ import annotations

import statistics
from random import Random

import pytest

from shared.wire.loss_records import LossValues, Spread
from tests.losses import values
from worker.model.loss_statistics import MEASURES, LossStatistics, Running


def test_without_losses_there_is_no_summary() -> None:
    assert LossStatistics().summary() is None


def test_one_picture_has_no_spread() -> None:
    losses = LossStatistics()
    losses.add(values(8.0, 2.0))
    summary = losses.summary()
    assert summary is not None
    assert summary.jobs == 1
    assert summary.content == Spread(mean=8.0, standard_deviation=0.0)
    assert summary.total.mean == 2008.0


def test_mean_and_spread_are_those_of_the_whole_population() -> None:
    chance, losses = Random(5), LossStatistics()
    pictures = [values(chance.expovariate(1e-6), chance.random()) for _ in range(50)]
    for picture in pictures:
        losses.add(picture)
    summary = losses.summary()
    assert summary is not None
    assert summary.jobs == 50
    assert set(MEASURES) < set(LossValues.model_fields)
    for name in MEASURES:
        column = [getattr(picture, name) for picture in pictures]
        spread = getattr(summary, name)
        assert spread.mean == pytest.approx(statistics.fmean(column))
        assert spread.standard_deviation == pytest.approx(statistics.pstdev(column))


def test_a_small_spread_about_a_large_mean_keeps_its_digits() -> None:
    running, column = Running(), [1e9 + number for number in (4, 7, 13, 16)]
    for value in column:
        running.add(value)
    assert running.spread().standard_deviation == pytest.approx(statistics.pstdev(column), rel=1e-9)
