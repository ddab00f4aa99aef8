"""`stylequeue dead-letters` against a loopback service."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.unit.client_server import Answer, Loopback, Request, failed, problem
from tests.unit.command_service import run

BATCH = "batch_" + "0" * 26
TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class Dead(Loopback):
    """Three jobs that failed; it records the requests."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.ids = ["job_3", "job_2", "job_1"]
        self.asked: list[str] = []
        self.queries: list[dict[str, str]] = []

    def _answer(self, request: Request) -> Answer:
        if request.route == "GET /healthz":
            return Answer(200, {})
        self.queries.append(dict(request.query))
        wanted = (request.query.get(name, "") for name in ("code", "owner"))
        self.asked.append(" ".join([request.route, *filter(None, wanted)]))
        if request.route == "GET /v1/dead-letters":
            start = int(request.query.get("cursor", 0))
            end = start + int(request.query["limit"])
            more = {"next_cursor": str(end)} if end < len(self.ids) else {}
            return Answer(
                200, {"jobs": [failed(job_id, owner="anna") for job_id in self.ids[start:end]], **more}
            )
        if request.route == "POST /v1/dead-letters/replay":
            return Answer(202, {"replayed": 2})
        job_id = request.path.split("/")[3]
        if job_id not in self.ids:
            return problem(404, "dead-letter-not-found", f"There is no dead letter {job_id}.")
        return Answer(202, failed(job_id))


@pytest.fixture
def dead() -> Iterator[Dead]:
    with Dead() as service:
        yield service


def test_the_list_says_why_and_goes_on_to_the_next_page(dead: Dead) -> None:
    result = run(dead.url, "dead-letters", "list", "--limit", "2")
    assert [line.split()[0] for line in result.output.splitlines() if "job_" in line] == ["job_3", "job_2"]
    assert "The file is damaged." in result.output
    assert run(dead.url, "dead-letters", "list", "--code", "image-undecodable").exit_code == 0
    assert dead.asked[-1] == "GET /v1/dead-letters image-undecodable"
    dead.ids.clear()
    assert run(dead.url, "dead-letters", "list").output == "No dead letters.\n"


def test_a_replay_names_jobs_or_a_code_or_all(dead: Dead) -> None:
    assert run(dead.url, "dead-letters", "replay", "job_1", "job_3").output == "2 job(s) queued again.\n"
    assert run(dead.url, "dead-letters", "replay", "--all").output == "2 job(s) queued again.\n"
    for senseless in ([], ["job_1", "--all"], ["--all", "--code", "x"]):
        result = run(dead.url, "dead-letters", "replay", *senseless)
        assert result.exit_code == 2
        assert "give ids, or --code, or --all" in result.output


def test_a_job_that_is_no_dead_letter_is_a_message(dead: Dead) -> None:
    result = run(dead.url, "dead-letters", "replay", "job_9")
    assert (result.exit_code, result.output) == (1, "Error: There is no dead letter job_9.\n")


def test_an_operator_sees_and_replays_what_others_have(dead: Dead) -> None:
    listed = run(dead.url, "dead-letters", "list", "--all-owners")
    first = next(line.split()[:2] for line in listed.output.splitlines() if "job_" in line)
    assert first == ["job_3", "anna"]
    assert dead.asked[-1] == "GET /v1/dead-letters *"
    assert "anna" not in run(dead.url, "dead-letters", "list", "--owner", "anna").output
    assert dead.asked[-1] == "GET /v1/dead-letters anna"
    run(dead.url, "dead-letters", "replay", "--code", "storage-unavailable", "--all-owners")
    run(dead.url, "dead-letters", "replay", "--all", "--owner", "anna")
    assert dead.asked[-2:] == ["POST /v1/dead-letters/replay *", "POST /v1/dead-letters/replay anna"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["list", "--owner", "anna", "--all-owners"], "use either --owner or --all-owners"),
        (["replay", "job_1", "--owner", "anna"], "ids need no owner"),
    ],
)
def test_owners_that_cannot_be_meant_are_refused(dead: Dead, words: list[str], reason: str) -> None:
    result = run(dead.url, "dead-letters", *words)
    assert (result.exit_code, reason in result.output) == (2, True)
    assert dead.asked == []


def test_conditions_reach_the_service_and_bad_ones_are_named(dead: Dead) -> None:
    words = [
        "--lane",
        "high",
        "--text",
        "harbor",
        "--created-after",
        "2026-05-31T18:00:00Z",
        "--batch",
        BATCH,
    ]
    assert run(dead.url, "dead-letters", "list", *words).exit_code == 0
    sent = {"lane": "high", "text": "harbor", "created_after": "2026-05-31T18:00:00Z", "batch_id": BATCH}
    assert sent.items() <= dead.queries[-1].items()
    assert run(dead.url, "dead-letters", "list", "--created-after", "6h").exit_code == 0
    assert TIME.fullmatch(dead.queries[-1]["created_after"])
    for option, value in (("--created-before", "yesterday"), ("--batch", "batch_1"), ("--text", "x" * 129)):
        result = run(dead.url, "dead-letters", "list", option, value)
        assert (result.exit_code, option in result.output) == (2, True), result.output
