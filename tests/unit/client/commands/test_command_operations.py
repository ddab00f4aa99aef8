"""`stylequeue workers` and `stylequeue lanes`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.jobs import worker_info
from tests.unit.command_service import run
from tests.unit.operated_service import OperatedService


@pytest.fixture
def operated() -> Iterator[OperatedService]:
    with OperatedService() as service:
        yield service


def test_workers_are_listed_with_what_they_do(operated: OperatedService) -> None:
    members = {"busy": 3, "slots": 8, "rate": 0.5, "rss_bytes": 1_234_000_000, "model_digest": "8094e859adce"}
    operated.workers = [worker_info("box-7-a1b2c3", device="gpu:0", draining=True, **members)]
    output = run(operated.url, "workers").output
    for expected in ("box-7-a1b2c3", "3/8", "0.50", "1.2 GB", "gpu:0", "high, normal, bulk", "draining"):
        assert expected in output
    assert "embedded 8094e859 " in output


def test_workers_are_printed_as_json_for_programs(operated: OperatedService) -> None:
    (line,) = run(operated.url, "workers", "--json").output.splitlines()
    assert json.loads(line)["id"] == "box-7-a1b2c3"


def test_no_workers_are_said_in_words(operated: OperatedService) -> None:
    operated.workers = []
    assert run(operated.url, "workers").output == "No worker is running.\n"


def test_a_worker_is_drained_by_its_id(operated: OperatedService) -> None:
    result = run(operated.url, "workers", "drain", "box-7-a1b2c3")
    assert result.output == "Worker box-7-a1b2c3 is draining; its jobs: 0.\n"
    unknown = run(operated.url, "workers", "drain", "box/8")
    assert (unknown.exit_code, unknown.output) == (
        1,
        "Error: No worker 'box%2F8' was seen in the last 15 s\n",
    )


def test_a_lane_is_paused_shown_and_resumed(operated: OperatedService) -> None:
    assert (
        run(operated.url, "lanes", "pause", "bulk").output
        == "Lane bulk is paused: 49,064 waiting, 4 running.\n"
    )
    (bulk,) = [line for line in run(operated.url, "lanes").output.splitlines() if "bulk" in line]
    assert bulk.rstrip().endswith("paused")
    assert (
        run(operated.url, "lanes", "resume", "bulk").output
        == "Lane bulk goes on: 49,064 waiting, 4 running.\n"
    )
    assert "paused" not in run(operated.url, "lanes").output


@pytest.mark.parametrize(
    "arguments", [("workers",), ("workers", "drain", "w"), ("lanes", "pause", "high"), ("top", "--once")]
)
def test_a_caller_without_admin_scope_is_told_how_to_get_it(
    operated: OperatedService, arguments: tuple[str, ...]
) -> None:
    operated.admin = False
    result = run(operated.url, *arguments)
    assert result.exit_code == 1
    assert "keys create OWNER --admin" in result.output


def test_an_unknown_lane_is_a_usage_error_that_names_the_lanes(operated: OperatedService) -> None:
    result = run(operated.url, "lanes", "pause", "fast")
    assert result.exit_code == 2
    assert "'high', 'normal', 'bulk'" in result.output
