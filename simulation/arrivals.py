"""The arrivals of jobs: their times, lanes and owners."""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NamedTuple, Protocol

from shared.wire.descriptors import Lane
from simulation.durations import UNITS, BadSpec, seconds_of

SYNTAX = (
    "[LANE=]constant:RATE, poisson:RATE, bursts:RATE or trace:FILE, with a RATE like 4/s, 200/m or 5000/1.5h"
)
DEFAULT_LANE = Lane.NORMAL
_SPEC = re.compile(r"(?:(?P<lane>\w+)=)?(?P<kind>\w+):(?P<rest>.+)")
_RATE = re.compile(r"(\d+(?:\.\d+)?)/(.+)")


class Arrival(NamedTuple):
    at: float  # seconds from the start of the simulation
    lane: Lane
    owner: str


class Stream(Protocol):
    """A source of jobs in order of arrival; the same state of `random` gives the same jobs."""

    def arrivals(self, until: float, owners: int, random: Random) -> Iterator[Arrival]: ...


@dataclass(frozen=True)
class Steady:
    """Single jobs of random owners, at equal intervals or as a Poisson process."""

    lane: Lane
    per_second: float
    is_random: bool

    def arrivals(self, until: float, owners: int, random: Random) -> Iterator[Arrival]:
        at, number = 0.0, 0
        while True:
            number += 1
            at = at + random.expovariate(self.per_second) if self.is_random else number / self.per_second
            if at > until:
                return
            yield Arrival(at, self.lane, f"owner-{random.randrange(owners)}")


@dataclass(frozen=True)
class Bursts:
    """Batches at equal intervals from second 0 on; the owners take turns."""

    lane: Lane
    jobs: int
    every_seconds: float

    def arrivals(self, until: float, owners: int, random: Random) -> Iterator[Arrival]:  # noqa: ARG002 - a Stream
        for number in range(math.ceil(until / self.every_seconds)):
            arrival = Arrival(number * self.every_seconds, self.lane, f"owner-{number % owners}")
            for _ in range(self.jobs):
                yield arrival


@dataclass(frozen=True)
class Trace:
    """Recorded arrivals. All of them are used, even those after `until`."""

    jobs: tuple[Arrival, ...]

    def arrivals(self, until: float, owners: int, random: Random) -> Iterator[Arrival]:  # noqa: ARG002 - a Stream
        return iter(self.jobs)


def all_arrivals(streams: Sequence[Stream], until: float, owners: int, seed: int) -> Iterator[Arrival]:
    """Return the arrivals of all streams in order of time; each stream has its own random numbers."""
    each = [
        stream.arrivals(until, owners, Random(f"{seed} arrivals {number}"))  # noqa: S311 - a simulation
        for number, stream in enumerate(streams)
    ]
    return each[0] if len(each) == 1 else heapq.merge(*each, key=lambda arrival: arrival.at)


def parse_stream(text: str) -> Stream:
    """Return the stream that `text` describes.

    Raises:
        BadSpec: the text does not follow SYNTAX.
    """
    match = _SPEC.fullmatch(text)
    if match is None:
        raise BadSpec(f"'{text}' is not {SYNTAX}")
    lane, rest = _lane(match["lane"] or DEFAULT_LANE), match["rest"]
    match match["kind"]:
        case "constant" | "poisson" as kind:
            jobs, seconds = _rate(rest)
            return Steady(lane, jobs / seconds, kind == "poisson")
        case "bursts":
            jobs, seconds = _rate(rest)
            return Bursts(lane, max(1, round(jobs)), seconds)
        case "trace":
            return Trace(_read_trace(Path(rest), lane))
    raise BadSpec(f"'{text}' is not {SYNTAX}")


def _rate(text: str) -> tuple[float, float]:
    """Return the number of jobs, and the seconds in which they arrive."""
    match = _RATE.fullmatch(text)
    if match is None:
        raise BadSpec(f"'{text}' is not a rate; write it like 4/s, 200/m or 5000/1.5h")
    seconds = UNITS[match[2]] if match[2] in UNITS else seconds_of(match[2])
    if not float(match[1]) or not seconds:
        raise BadSpec(f"'{text}' is a rate of zero jobs, or in zero seconds; both numbers must be above 0")
    return float(match[1]), seconds


def _lane(name: str) -> Lane:
    if name not in tuple(Lane):
        raise BadSpec(f"'{name}' is not a lane: {', '.join(Lane)}")
    return Lane(name)


def _read_trace(file: Path, lane: Lane) -> tuple[Arrival, ...]:
    """Read one job per line: seconds, optionally followed by a lane and an owner, separated by commas."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSpec(f"{file} cannot be read ({type(error).__name__})") from error
    jobs = [_trace_job(file, number, line, lane) for number, line in enumerate(lines, 1) if line.strip()]
    return tuple(sorted(jobs))


def _trace_job(file: Path, number: int, line: str, lane: Lane) -> Arrival:
    at, named_lane, owner, *more = [*(part.strip() for part in line.split(",")), "", ""][:4]
    try:
        seconds = float(at)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0) or any(more):
        raise BadSpec(f"{file}, line {number}: '{line}' is not SECONDS[,LANE[,OWNER]]")
    return Arrival(seconds, _lane(named_lane) if named_lane else lane, owner or "owner-0")
