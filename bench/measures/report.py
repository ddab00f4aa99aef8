"""Pairs of runs measured in turn, their ratios, and the report of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench.measures.cpu_use import CpuUse
from bench.measures.machine import this_machine

OUT = Path("bench-out")
DECIMALS = 4
QUIET_CORES = 0.1  # above this use by others, the side with more threads gets the larger share


@dataclass(frozen=True)
class Pair:
    """One round: our figure, and the figure to compare it with, measured right after it."""

    ours: float
    theirs: float
    others: float = 0.0  # cores that other programs used meanwhile

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs

    @property
    def disturbed(self) -> bool:
        return self.others > QUIET_CORES


def alternately(
    ours: Callable[[int], float],
    theirs: Callable[[int], float],
    rounds: int,
    show: Callable[[int, Pair], None] = lambda _, __: None,
) -> list[Pair]:
    """Call the two sides in turn: A B A B ...; each is given the number of the round, from 0."""
    pairs = []
    for number in range(rounds):
        use = CpuUse()
        pair = Pair(ours(number), theirs(number), use.cores_of_others())
        show(number, pair)
        pairs.append(pair)
    return pairs


def median_ratio(pairs: Sequence[Pair]) -> float:
    """The median of the ratios within the pairs, which is not the ratio of the medians."""
    return median(pair.ratio for pair in pairs)


def medians(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the median of each name over the rows that have it, in the order in which the names appear."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: median(row[name] for row in rows if name in row) for name in names}


def warning(pairs: Sequence[Pair], cores_of_others: float) -> str:
    """Return what a reader must know about the time of the measurement; empty if it was quiet."""
    disturbed = sum(pair.disturbed for pair in pairs)
    if not disturbed and cores_of_others <= QUIET_CORES:
        return ""
    rounds = f" and disturbed {disturbed} of {len(pairs)} rounds" if disturbed else ""
    return f"WARNING: others took {cores_of_others:.2f} cores{rounds}; repeat on a quiet machine"


def rate_between(moments: Sequence[float], first: int, last: int) -> float:
    """Return events per second from the `first` to the `last` of the sorted moments, both counted from 1.

    With N servers in step, first = N and last = k * N both lie at the end of a step. So the rate is exact,
    and includes neither the filling nor the emptying of the pipeline.
    """
    ordered = sorted(moments)
    return (last - first) / (ordered[last - 1] - ordered[first - 1])


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a plain-text table; the first column is aligned to the left, the others to the right."""
    cells = [list(header), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        )
        for row in cells
    )


class Report:
    """The report of one benchmark; it looks at the machine when it begins."""

    def __init__(self, name: str, out: Path = OUT) -> None:
        self._name = name
        self._out = out
        self._machine = this_machine()
        self._use = CpuUse()
        self.say(f"== {name}")
        self.say(self._machine.line())

    def say(self, text: str = "") -> None:
        print(text, flush=True)

    def finish(self, ratio: float, runs: Sequence[object], **figures: object) -> Path:
        """Write NAME.json with `figures`, the ratio, the runs and the machine."""
        self._out.mkdir(parents=True, exist_ok=True)
        path = self._out / f"{self._name}.json"
        others = self._use.cores_of_others()
        told = {
            "ratio": ratio, "runs": list(runs), **figures,
            "cores_of_others": others, "machine": self._machine.as_dict(),
        }  # fmt: skip
        if warned := warning([run for run in runs if isinstance(run, Pair)], others):
            self.say(warned)
        path.write_text(json.dumps(rounded(told), indent=2) + "\n")
        self.say(f"written: {path}\n")
        return path


def round_line(number: int, name: str, pair: Pair) -> str:
    """Return the line for a round of `name` against the plain loop, in photos per second."""
    figures = f"{name} {pair.ours:.2f}/s, loop {pair.theirs:.2f}/s, ratio {pair.ratio:.2f}"
    return f"round {number + 1}: {figures} (others took {pair.others:.2f} cores)"


def rounded(value: object) -> object:
    """Return the value with all floats at DECIMALS decimals; a Pair becomes its two figures and
    their ratio.
    """
    match value:
        case float():
            return round(value, DECIMALS)
        case Pair():
            return rounded({**asdict(value), "ratio": value.ratio})
        case Mapping():
            return {str(name): rounded(member) for name, member in value.items()}
        case list() | tuple():
            return [rounded(member) for member in value]
    return value


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.2f}"
    return str(cell)
