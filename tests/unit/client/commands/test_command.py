"""The commands that look at jobs and end them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from client.command import main
from tests.unit.client_server import JPEG, TRUNCATED, failed, job, succeeded
from tests.unit.command_service import Service, run


def test_status_shows_what_a_person_wants_to_know(service: Service) -> None:
    service.jobs["j1"] = succeeded(JPEG, metadata={"photo": "cat.jpg"})
    result = run(service.url, "status", "j1")
    assert result.exit_code == 0
    for expected in ("succeeded", "cat.jpg", "4 x 3 pixels", "embedded on cpu", "/v1/jobs/j1/result"):
        assert expected in result.output


def test_status_shows_a_warning_of_a_job_that_succeeded(service: Service) -> None:
    service.jobs["j1"] = succeeded(JPEG)
    service.jobs["j1"]["result"]["warnings"] = [TRUNCATED]
    assert TRUNCATED["detail"] in run(service.url, "status", "j1").output


def test_status_gives_the_reason_of_a_failure(service: Service) -> None:
    service.jobs["j1"] = failed()
    assert (
        "The file is damaged. (image-undecodable, while: decode)" in run(service.url, "status", "j1").output
    )


def test_status_prints_json_for_programs(service: Service) -> None:
    service.jobs["j1"] = succeeded(JPEG)
    answer = json.loads(run(service.url, "status", "j1", "--json").output)
    assert answer["result"]["sha256"] == service.jobs["j1"]["result"]["sha256"]


@pytest.mark.parametrize("command", ["status", "cancel"])
def test_an_unknown_id_is_a_message_and_exit_code_1(service: Service, command: str) -> None:
    result = run(service.url, command, "nope")
    assert result.exit_code == 1
    assert result.output == "Error: There is no job nope.\n"


def test_cancel_says_what_the_job_is_now_and_refuses_a_second_time(service: Service) -> None:
    service.jobs["j1"] = job()
    assert run(service.url, "cancel", "j1").output == "Job j1 is canceled.\n"
    again = run(service.url, "cancel", "j1")
    assert (again.exit_code, "has ended" in again.output) == (1, True)


def test_jobs_lists_the_newest_that_have_the_status(service: Service) -> None:
    service.jobs = {"a": job(job_id="aaa"), "b": failed("bbb"), "c": job(job_id="ccc")}
    output = run(service.url, "jobs", "--status", "queued", "--limit", "1").output
    assert "ccc" in output
    assert "aaa" not in output
    assert "bbb" not in output


def test_no_jobs_is_said_in_words(service: Service) -> None:
    assert run(service.url, "jobs").output == "No jobs.\n"


def test_the_address_is_taken_from_the_environment(service: Service) -> None:
    service.jobs["j1"] = job()
    result = CliRunner().invoke(main, ["status", "j1"], env={"STYLEQUEUE_API": service.url})
    assert result.exit_code == 0


@pytest.mark.parametrize(
    "url", ["localhost:8080", "http://", "http://host:port", "http://[::1", "http://h:99999", "http://a b"]
)
def test_an_invalid_address_is_a_usage_error(url: str) -> None:
    result = run(url, "jobs")
    assert result.exit_code == 2
    assert url in result.output


def test_the_version_is_printed() -> None:
    assert CliRunner().invoke(main, ["--version"]).output.startswith("stylequeue")
