"""Distributions of the time that a job takes in the accelerator."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import mean

from simulation.durations import BadSpec

SYNTAX = "fixed:SECONDS, exponential:MEAN, lognormal:MEAN,CV or measured:FILE"

Draw = Callable[[], float]  # seconds


@dataclass(frozen=True)
class ServiceTime:
    """A distribution of seconds, from which a seeded generator draws."""

    mean: float
    drawn_from: Callable[[Random], Draw]

    def draw(self, seed: int) -> Draw:
        return self.drawn_from(Random(f"{seed} service"))  # noqa: S311 - a simulation


def fixed(seconds: float) -> ServiceTime:
    return ServiceTime(seconds, lambda _: lambda: seconds)


def exponential(mean_seconds: float) -> ServiceTime:
    rate = 1 / mean_seconds
    return ServiceTime(mean_seconds, lambda random: lambda: random.expovariate(rate))


def lognormal(mean_seconds: float, variation: float) -> ServiceTime:
    """Return a lognormal distribution; `variation` is the standard deviation divided by the mean."""
    sigma = math.sqrt(math.log(1 + variation**2))
    mu = math.log(mean_seconds) - sigma**2 / 2
    return ServiceTime(mean_seconds, lambda random: lambda: random.lognormvariate(mu, sigma))


def measured(seconds: Sequence[float]) -> ServiceTime:
    """Return a distribution in which each of the given times is equally likely."""
    return ServiceTime(mean(seconds), lambda random: lambda: random.choice(seconds))


def parse_service(text: str) -> ServiceTime:
    """Return the service time that `text` describes.

    Raises:
        BadSpec: the text does not follow SYNTAX.
    """
    kind, _, rest = text.partition(":")
    if kind == "measured" and rest:
        return measured(_read_times(Path(rest)))
    match kind, _positive(rest.split(",")):
        case "fixed", [seconds]:
            return fixed(seconds)
        case "exponential", [mean_seconds]:
            return exponential(mean_seconds)
        case "lognormal", [mean_seconds, variation]:
            return lognormal(mean_seconds, variation)
    raise BadSpec(f"'{text}' is not {SYNTAX}, with numbers above 0")


def _read_times(file: Path) -> list[float]:
    """Read seconds, one number per line."""
    try:
        times = _positive(file.read_text("utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise BadSpec(f"{file} cannot be read ({type(error).__name__})") from error
    if not times:
        raise BadSpec(f"{file} is not a list of seconds above 0, one a line")
    return times


def _positive(words: Sequence[str]) -> list[float]:
    """Return the words as numbers; an empty list if any of them is not a number above 0."""
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        return []
    return numbers if all(0 < number < math.inf for number in numbers) else []
