"""The simulation against queueing theory, and against what the service promises of order and scaling."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest

from shared.scheduling.lane_order import MAX_PASSES
from shared.scheduling.scaling import Target
from shared.wire.descriptors import Lane
from simulation.arrivals import Arrival, Trace, parse_stream
from simulation.engine import simulate
from simulation.fleet import WorkerKind
from simulation.outcome import Outcome
from simulation.scenario import Plan, Scenario, fixed_plan
from simulation.service_times import parse_service

PLAIN = WorkerKind(slots=1, overhead_seconds=0, startup_seconds=0)  # one job at a time and nothing else


def scenario(
    *arrivals: str, service: str = "fixed:1", seconds: float = 1000, worker: WorkerKind = PLAIN
) -> Scenario:
    streams = tuple(parse_stream(text) for text in arrivals)
    return Scenario(streams, parse_service(service), worker, seconds)


def of_jobs(*jobs: Arrival, service: str = "fixed:1", worker: WorkerKind = PLAIN) -> Scenario:
    return Scenario((Trace(jobs),), parse_service(service), worker, 0)


def waits(outcome: Outcome, lane: Lane = Lane.NORMAL) -> list[float]:
    return list(outcome.lanes[lane].waited)


# --- queueing theory ------------------------------------------------------------------------------


def erlang_c(servers: int, offered: float) -> float:
    """Return the share of jobs that wait in an M/M/c queue (Erlang 1917)."""
    terms = [offered**number / math.factorial(number) for number in range(servers)]
    all_busy = offered**servers / math.factorial(servers) * servers / (servers - offered)
    return all_busy / (sum(terms) + all_busy)


@pytest.mark.parametrize(
    ("service", "workers", "load", "mean_wait"),
    [
        ("exponential:1", 1, 0.6, 0.6 / 0.4),  # M/M/1
        ("fixed:1", 1, 0.6, 0.6 / 0.4 / 2),  # M/D/1: half of it, by Pollaczek and Khinchine
        ("lognormal:1,0.5", 1, 0.6, 0.6 / 0.4 * (1 + 0.5**2) / 2),  # M/G/1, by the same
        ("exponential:1", 4, 0.75, erlang_c(4, 3.0) / 1.0),  # M/M/4
    ],
)
def test_mean_waits_are_those_of_queueing_theory(
    service: str, workers: int, load: float, mean_wait: float
) -> None:
    rate = load * workers
    outcome = simulate(
        scenario(f"poisson:{rate}/s", service=service, seconds=80_000 / rate), fixed_plan(workers)
    )
    assert outcome.jobs == pytest.approx(80_000, rel=0.02)
    assert outcome.waited().mean == pytest.approx(mean_wait, rel=0.05)
    assert outcome.utilization == pytest.approx(load, rel=0.02)


def test_the_same_seed_gives_the_same_and_another_one_another() -> None:
    random = scenario("poisson:2/s", service="exponential:1")
    first, again, other = (
        simulate(replace(random, seed=seed), fixed_plan(3)).as_dict(None) for seed in (1, 1, 2)
    )
    assert first == again
    assert first["waited"] != other["waited"]


# --- workers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("slots", "per_second"), [(1, 1 / 1.5), (2, 1.0), (4, 1.0)])
def test_more_slots_hide_what_is_around_the_accelerator_and_no_more(slots: int, per_second: float) -> None:
    jobs = [Arrival(0, Lane.NORMAL, "o")] * 100
    outcome = simulate(of_jobs(*jobs, worker=WorkerKind(slots, 0.5, 0)), fixed_plan(1))
    assert outcome.jobs / outcome.seconds == pytest.approx(per_second, rel=0.02)


@pytest.mark.parametrize(
    ("calls", "hands", "per_second"),
    [(1, 1, 1), (4, 1, 2), (4, 4, 4), (8, 4, 8), (8, 2, 4)],
)
def test_a_worker_is_as_fast_as_its_tightest_part(calls: int, hands: int, per_second: float) -> None:
    worker = WorkerKind(100, 0.5, 0, calls, hands, hand_seconds=0.5)
    jobs = [Arrival(0, Lane.BULK, "o")] * 1000
    outcome = simulate(of_jobs(*jobs, worker=worker), fixed_plan(1))
    assert outcome.jobs / outcome.seconds == pytest.approx(per_second, rel=0.02)
    assert worker.seconds_per_job(1) == pytest.approx(1 / per_second)


def test_a_lone_job_finds_a_fixed_worker_and_takes_the_accelerators_time_and_what_is_around_it() -> None:
    outcome = simulate(of_jobs(Arrival(5, Lane.HIGH, "o"), worker=WorkerKind(4, 0.5, 90)), fixed_plan(1))
    assert (waits(outcome, Lane.HIGH), list(outcome.lanes[Lane.HIGH].stayed)) == ([0.0], [1.5])


# --- order ----------------------------------------------------------------------------------------


def test_under_a_supply_of_higher_jobs_one_start_in_eight_is_bulks() -> None:
    jobs = [Arrival(0, lane, "o") for lane in (Lane.HIGH, Lane.BULK) for _ in range(400)]
    outcome = simulate(of_jobs(*jobs), fixed_plan(1))
    starts = waits(outcome, Lane.BULK)
    while_high_waits = [start for start in starts if start < 400]
    assert len(while_high_waits) == pytest.approx(400 / (MAX_PASSES + 1), abs=2)


def test_a_single_job_is_next_however_many_bulk_jobs_wait() -> None:
    bulk = [Arrival(0, Lane.BULK, "o")] * 1000
    outcome = simulate(of_jobs(*bulk, Arrival(10.5, Lane.NORMAL, "p")), fixed_plan(1))
    assert waits(outcome) == [0.5]


def test_a_newcomer_is_next_however_many_jobs_of_another_owner_wait() -> None:
    jobs = [Arrival(0, Lane.NORMAL, "many")] * 1000 + [Arrival(1.5, Lane.NORMAL, "one")]
    outcome = simulate(of_jobs(*jobs), fixed_plan(1))
    assert len(waits(outcome)) == 1001
    assert sorted(waits(outcome))[1000] == 1000  # the last of the many
    late = [wait for wait in waits(outcome) if wait % 1 == 0.5]
    assert late == [0.5]


# --- scaling --------------------------------------------------------------------------------------


def test_workers_come_after_their_start_and_go_when_they_have_not_been_wanted_for_long() -> None:
    worker = WorkerKind(slots=1, overhead_seconds=0, startup_seconds=50)
    burst = scenario("bursts:600/2h", seconds=7200, worker=worker)
    outcome = simulate(burst, Plan("p", Target(60, 0, 100)))
    assert outcome.jobs == 600
    assert outcome.most_workers == 10
    assert (min(waits(outcome)), max(waits(outcome))) == (50, 109)
    least = 10 * 330  # ten are wanted for the last time after 30 s, and held for 300 s
    assert least <= outcome.worker_hours * 3600 <= least + 10 * 90  # up to three looks later
    assert outcome.utilization == pytest.approx(600 / (outcome.worker_hours * 3600 - 500))


def test_sending_workers_away_loses_no_job() -> None:
    worker = WorkerKind(slots=2, overhead_seconds=0, startup_seconds=5)
    ups_and_downs = replace(
        scenario("bursts:200/5m", service="exponential:20", seconds=3600, worker=worker), hold_seconds=0
    )
    outcome = simulate(ups_and_downs, Plan("p", Target(120, 0, 50)))
    assert outcome.jobs == 12 * 200
    assert outcome.most_workers > 1


def test_a_steady_stream_rests_where_jobs_stay_the_target_time() -> None:
    worker = WorkerKind(slots=1, overhead_seconds=0, startup_seconds=30)
    steady = replace(
        scenario("constant:40/s", service="fixed:0.5", seconds=2000, worker=worker), hold_seconds=0
    )
    outcome = simulate(steady, Plan("p", Target(200, 0, 100)))
    stayed = outcome.lanes[Lane.NORMAL].stayed
    assert median(stayed[len(stayed) // 2 :]) == pytest.approx(200, rel=0.1)
    assert outcome.most_workers == pytest.approx(40 * 0.5, rel=0.1)


def test_an_outcome_counts_by_lane_and_costs_by_the_hour() -> None:
    outcome = simulate(scenario("high=constant:1/s", "bulk=constant:1/s", seconds=3600), fixed_plan(3))
    figures = outcome.as_dict(2.0)
    assert (figures["jobs"], figures["lanes"]["high"]["jobs"], figures["lanes"]["bulk"]["jobs"]) == (
        7200,
        3600,
        3600,
    )
    assert figures["worker_hours"] == pytest.approx(3.0, rel=0.001)
    assert figures["cost"] == pytest.approx(6.0, rel=0.001)


def test_a_trace_is_played_whole(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("3,bulk,zoe\n0.5\n\n1, high\n")
    outcome = simulate(scenario(f"trace:{trace}", seconds=0), fixed_plan(1))
    assert {lane: len(times.waited) for lane, times in outcome.lanes.items()} == {
        "high": 1,
        "normal": 1,
        "bulk": 1,
    }
    assert outcome.seconds == 4
