"""Computes mean and spread of the losses of many pictures without keeping the values."""

from __future__ import annotations

import math
from dataclasses import dataclass

from shared.wire.loss_records import LossSummary, LossValues, Spread

MEASURES = tuple(name for name in LossSummary.model_fields if name != "jobs")


@dataclass
class Running:
    """Running mean and squared deviation (Welford 1962), which large means do not make inexact."""

    number: int = 0
    mean: float = 0.0
    squares: float = 0.0  # the sum of squared deviations from the mean

    def add(self, value: float) -> None:
        self.number += 1
        deviation = value - self.mean
        self.mean += deviation / self.number
        self.squares += deviation * (value - self.mean)

    def spread(self) -> Spread:
        return Spread(mean=self.mean, standard_deviation=math.sqrt(self.squares / self.number))


class LossStatistics:
    def __init__(self) -> None:
        self._running = {name: Running() for name in MEASURES}
        self._jobs = 0

    def add(self, losses: LossValues) -> None:
        self._jobs += 1
        for name, running in self._running.items():
            running.add(getattr(losses, name))

    def summary(self) -> LossSummary | None:
        if not self._jobs:
            return None
        spreads = {name: running.spread() for name, running in self._running.items()}
        return LossSummary(jobs=self._jobs, **spreads)
