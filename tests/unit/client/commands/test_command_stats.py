"""`stylequeue stats`: series as blocks, numbers and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from client.commands.operate.stats_command import sparkline
from tests.unit.command_service import run
from tests.unit.operated_service import OperatedService


@pytest.fixture
def operated() -> Iterator[OperatedService]:
    with OperatedService() as service:
        yield service


def point(minute: int, queued: int, **members: Any) -> dict[str, Any]:
    usual = {"seconds": 60.0, "ended": {}, "ended_per_second": 1.5, "running": 4, "oldest_seconds": None}
    return {"at": f"2026-11-28T00:{minute:02}:00Z", "queued": queued, **usual, **members}


@pytest.mark.parametrize(
    ("values", "width", "blocks"),
    [
        ([], 10, ""),
        ([0, 0], 10, "▁▁"),
        ([0, None, 7, 3.5], 10, "▁ █▅"),
        ([1, 8, 2, 3], 2, "█▄"),
        ([None, None, 4], 1, "█"),
    ],
)
def test_a_sparkline_spans_from_zero_to_the_largest_value(
    values: list[float | None], width: int, blocks: str
) -> None:
    assert sparkline(values, width) == blocks


def test_each_series_is_a_line_with_its_last_and_largest_value(operated: OperatedService) -> None:
    operated.points = [
        point(0, 50_000, failure_rate=0.125, stage_ms={"queue": 1234.5, "fetch": 20}),
        point(1, 25_000, stage_ms={"queue": 200}, oldest_seconds=300),
    ]
    result = run(operated.url, "stats", "--window", "day")
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.output.splitlines() if line.strip()]
    assert lines[0] == "now most last day"
    assert "waiting 25,000 50,000 █▅" in lines
    assert "failed - 12.5% █" in lines
    assert "oldest 5 min 5 min █" in lines
    assert "queue, ms 200 1,234 █▂" in lines
    assert not [line for line in lines if line.startswith("optimize")]


def test_a_program_gets_json_and_a_service_without_points_says_so(operated: OperatedService) -> None:
    assert run(operated.url, "stats").output.startswith("There are no points yet")
    operated.points = [point(0, 3)]
    found = json.loads(run(operated.url, "stats", "--json").output)
    assert (found["window"], found["points"][0]["queued"]) == ("hour", 3)


def test_another_window_is_a_usage_error(operated: OperatedService) -> None:
    assert run(operated.url, "stats", "--window", "week").exit_code == 2
