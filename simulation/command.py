"""The command `stylequeue simulate`: compares scaling targets and fleets before anyone pays for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

import click

from shared.command_line.options import option
from shared.scheduling.scaling import Target
from simulation import arrivals, service_times
from simulation.arrivals import parse_stream
from simulation.durations import BadSpec, seconds_of
from simulation.engine import simulate as simulated
from simulation.fleet import WorkerKind
from simulation.scenario import Plan, Scenario, fixed_plan
from simulation.service_times import parse_service
from simulation.tables import show

DEFAULT_TARGET = "60s"

Parsed = TypeVar("Parsed")


class Spec(click.ParamType[object]):
    """An option parsed by a function that raises BadSpec."""

    def __init__(self, name: str, parse: Callable[[str], object]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        try:
            return self._parse(value) if isinstance(value, str) else value
        except BadSpec as error:
            return self.fail(str(error), param, ctx)


DURATION = Spec("duration", seconds_of)
COUNT = click.IntRange(min=1, max=100_000)


@click.command()
@option(
    "--arrivals",
    "streams",
    type=Spec("arrivals", parse_stream),
    multiple=True,
    required=True,
    help=f"{arrivals.SYNTAX}; may be given several times.",
)
@option(
    "--service",
    type=Spec("time", parse_service),
    required=True,
    help=f"Time that the accelerator needs for one job: {service_times.SYNTAX}.",
)
@option(
    "--for", "seconds", type=DURATION, default="1h", show_default=True, help="Period in which jobs arrive."
)
@option(
    "--owners",
    type=COUNT,
    default=1,
    show_default=True,
    help="Number of owners. They take turns within a lane.",
)
@option("--slots", type=COUNT, default=4, show_default=True, help="Jobs that a worker holds at a time.")
@option("--calls", type=COUNT, default=1, show_default=True, help="Jobs that its accelerator runs at a time.")
@option(
    "--hands", type=COUNT, default=1, show_default=True, help="Processes of a worker, each with one core."
)
@option(
    "--hand-time",
    type=DURATION,
    default="0s",
    show_default=True,
    help="Processor time of a job in a hand, which works on one job at a time.",
)
@option(
    "--overhead",
    type=DURATION,
    default="0s",
    show_default=True,
    help="Time that a job spends outside the accelerator, which can work on other slots' jobs meanwhile.",
)
@option(
    "--startup",
    type=DURATION,
    default="90s",
    show_default=True,
    help="Time from the request for a worker to its first job.",
)
@option(
    "--target",
    "targets",
    type=DURATION,
    multiple=True,
    help="Scale so that jobs end within this time. Give several to compare them.",
)
@option(
    "--workers",
    "fixed",
    type=COUNT,
    multiple=True,
    help="Run this fixed number of workers. Give several to compare them.",
)
@option(
    "--min-workers",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Fewest workers when scaling.",
)
@option("--max-workers", type=COUNT, default=100, show_default=True, help="Most workers when scaling.")
@option(
    "--poll",
    type=DURATION,
    default="30s",
    show_default=True,
    help="Time between two decisions of the autoscaler.",
)
@option(
    "--hold",
    type=DURATION,
    default="5m",
    show_default=True,
    help="Keep surplus workers for this time before stopping them.",
)
@option("--price", type=click.FloatRange(min=0), help="Price of one worker per hour.")
@option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="Seed of the random numbers. The same seed gives the same result.",
)
@option("--json", "as_json", is_flag=True, help="Print all figures as JSON.")
def simulate(  # noqa: PLR0913 - one argument for each option
    *,
    streams: tuple[arrivals.Stream, ...],
    service: service_times.ServiceTime,
    seconds: float,
    owners: int,
    slots: int,
    calls: int,
    hands: int,
    hand_time: float,
    overhead: float,
    startup: float,
    targets: tuple[float, ...],
    fixed: tuple[int, ...],
    min_workers: int,
    max_workers: int,
    poll: float,
    hold: float,
    price: float | None,
    seed: int,
    as_json: bool,
) -> None:
    """Compare scaling targets and fleets on a simulated or recorded stream of jobs.

    \b
    For example, ten GPU workers against three targets:
        stylequeue simulate --arrivals poisson:20/s --arrivals bulk=bursts:20000/1h \\
            --service lognormal:0.25,0.3 --overhead 0.1s --for 4h \\
            --workers 10 --target 30s --target 2m --target 10m --price 0.80
    """
    kind = WorkerKind(slots, overhead, startup, calls, hands, hand_time)
    scenario = Scenario(streams, service, kind, seconds, owners, max(poll, 1.0), hold, seed)
    wanted = targets or (() if fixed else (seconds_of(DEFAULT_TARGET),))
    plans = [
        *map(fixed_plan, fixed),
        *(
            Plan(f"target {target:g} s", Target(max(target, 1.0), min_workers, max_workers))
            for target in wanted
        ),
    ]
    outcomes = [simulated(scenario, plan) for plan in plans]
    if as_json:
        click.echo(json.dumps([outcome.as_dict(price) for outcome in outcomes], indent=2))
    else:
        show(outcomes, price)
