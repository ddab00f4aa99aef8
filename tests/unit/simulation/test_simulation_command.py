"""`stylequeue simulate` as an operator runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from client.command import main

WISHES = {"--arrivals": "poisson:2/s", "--service": "fixed:0.5", "--for": "10m", "--slots": "1"}


def steady(**others: str) -> list[str]:
    """Return the options of a steady stream, some of them with other values."""
    wishes = WISHES | {f"--{name}": value for name, value in others.items()}
    return [word for option in wishes.items() for word in option]


STEADY = steady()


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *words])


def lines(result: Result) -> dict[str, list[str]]:
    """Return the output lines by plan."""
    assert result.exit_code == 0, result.output
    found = [line.split() for line in result.output.splitlines() if line.strip()]
    return {" ".join(words[:2]): words[2:] for words in found}


def test_plans_stand_side_by_side_with_their_costs() -> None:
    table = lines(run(*STEADY, "--workers", "2", "--workers", "3", "--target", "2m", "--price", "0.5"))
    assert [plan for plan in table if "workers" in plan or "target" in plan] == [
        "2 workers",
        "3 workers",
        "target 120",
    ]
    assert table["3 workers"][-2:] == ["0.5", "0.25"]  # 10 minutes of 3 workers
    assert float(table["2 workers"][2]) > float(table["3 workers"][2]) > 0  # p99


def test_several_lanes_are_distinguished() -> None:
    output = run(*STEADY, "--arrivals", "bulk=bursts:100/5m", "--workers", "2").output
    assert "The same by lane" in output
    assert "bulk" in output


def test_a_program_gets_all_figures() -> None:
    (outcome,) = json.loads(run(*STEADY, "--json").output)
    assert outcome["plan"] == "target 60 s"
    assert outcome["jobs"] > 1000
    assert set(outcome["waited"]) == {"mean", "p50", "p90", "p99", "longest"}
    assert "cost" not in outcome


def test_measured_times_come_from_a_file(tmp_path: Path) -> None:
    times = tmp_path / "times"
    times.write_text("0.25\n0.75\n")
    (outcome,) = json.loads(run(*steady(service=f"measured:{times}"), "--workers", "1", "--json").output)
    assert outcome["utilization"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--arrivals", "often", "is not [LANE=]constant:RATE"),
        ("--arrivals", "poisson:4", "is not a rate"),
        ("--arrivals", "poisson:0/s", "a rate of zero jobs"),
        ("--arrivals", "fast=poisson:4/s", "is not a lane: high, normal, bulk"),
        ("--arrivals", "trace:/nowhere", "cannot be read (FileNotFoundError)"),
        ("--service", "fixed:0", "with numbers above 0"),
        ("--service", "fixed:nan", "with numbers above 0"),
        ("--service", "lognormal:1", "with numbers above 0"),
        ("--service", "measured:/nowhere", "cannot be read (FileNotFoundError)"),
        ("--for", "soon", "is not a duration"),
    ],
)
def test_a_nonsensical_option_is_a_usage_error_with_a_sentence(
    option: str, value: str, sentence: str
) -> None:
    result = run(*steady(**{option.removeprefix("--"): value}))
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())


@pytest.mark.parametrize("line", ["soon", "-1", "inf", "1,fast", "1,high,zoe,more"])
def test_a_bad_line_of_a_trace_is_named(tmp_path: Path, line: str) -> None:
    trace = tmp_path / "t"
    trace.write_text(f"0\n{line}\n")
    result = run("--arrivals", f"trace:{trace}", "--service", "fixed:1")
    assert result.exit_code == 2
    assert "line 2" in result.output or "is not a lane" in result.output
