"""`stylequeue queue`: the lanes as a person reads them, and as a program gets them."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.command_service import Service, run


def lane(name: str, **members: Any) -> dict[str, Any]:
    empty = dict.fromkeys(
        ("waiting", "scheduled", "dispatched", "running", "canceling", "workers", "slots"), 0
    )
    return {"lane": name, **empty, "oldest_seconds": None, "paused": False, **members}


OVERVIEW = {
    "lanes": [
        lane("high", workers=2, slots=8),
        lane("normal", paused=True, waiting=3),
        lane(
            "bulk", waiting=49_000, scheduled=2, dispatched=64, running=7, canceling=1, oldest_seconds=7300.5
        ),
    ],
    "workers": 2,
    "slots": 8,
    "busy": 8,
    "jobs_per_second": 12.25,
    "capacity_per_second": 12.25,
    "fleets": [
        {"lanes": ["high", "normal", "bulk"], "workers": 2, "desired_workers": 68},
        {"lanes": ["optimize"], "workers": 0, "desired_workers": 1},
    ],
    "own": {"queued": 49_066, "succeeded": 1_234},
}


def test_each_lane_is_a_line_and_says_what_keeps_it_waiting(service: Service) -> None:
    service.queue = OVERVIEW
    result = run(service.url, "queue")
    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: " ".join(line.split()) for line in result.output.splitlines() if line.strip()}
    assert lines["high"] == "high 0 0 0 2 -"
    assert lines["normal"] == "normal 3 0 0 0 - paused"
    assert lines["bulk"] == "bulk 49,002 64 8 0 2 h no worker serves it"
    assert lines["2"] == "2 worker(s), 8 of 8 slots busy, 12.2 jobs/s of 12.2 jobs/s"
    assert "Workers wanted for high, normal, bulk: 68 (there are 2)\n" in result.output
    assert "Workers wanted for optimize: 1 (there are 0)\n" in result.output
    assert lines["Your"] == "Your jobs: 49,066 queued, 1,234 succeeded"


def test_an_idle_service_without_a_rate_says_so(service: Service) -> None:
    service.queue = {**OVERVIEW, "capacity_per_second": None, "own": {}}
    output = run(service.url, "queue").output
    assert "no rate known yet" in output
    assert "Your jobs: none" in output


def test_a_program_gets_json(service: Service) -> None:
    service.queue = OVERVIEW
    assert json.loads(run(service.url, "queue", "--json").output) == OVERVIEW
