"""The client saves results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from client import JobFailed, RequestRefused, ResultCorrupt
from shared.wire.records import JobStatus, JobView
from tests.unit.client_server import JPEG, NOW, Answer, Wire, failed, job, succeeded


def ready_to_save(wire: Wire, *answers: Answer) -> JobView:
    place = {
        "url": f"{wire.storage.url}/o?X-Amz-Signature=s",
        "content_type": "image/jpeg",
        "expires_at": NOW,
    }
    wire.service.on("GET /v1/jobs/j1/result", Answer(200, place))
    wire.storage.on("GET /o", *answers)
    return JobView.model_validate_json(json.dumps(succeeded(JPEG)))


def test_a_result_is_saved_under_the_jobs_name_and_the_storage_sees_no_credentials(
    wire: Wire, tmp_path: Path
) -> None:
    view = ready_to_save(wire, Answer(200, JPEG))
    path = wire.queue.save(view, tmp_path)
    assert path == tmp_path / "j1.jpg"
    assert path.read_bytes() == JPEG
    assert wire.service.requests[0].headers["authorization"] == "Bearer sq_secret"
    [download] = wire.storage.requests
    assert "authorization" not in download.headers
    assert download.query == {"X-Amz-Signature": "s"}


@pytest.mark.parametrize("where", ["the storage", "the service"])
def test_an_older_services_redirect_is_followed_without_credentials(
    wire: Wire, tmp_path: Path, where: str
) -> None:
    server = wire.storage if where == "the storage" else wire.service
    server.on("GET /o", Answer(200, JPEG))
    redirect = Answer(303, headers={"Location": f"{server.url}/o?X-Amz-Signature=s"})
    wire.service.on("GET /v1/jobs/j1/result", redirect)
    view = JobView.model_validate_json(json.dumps(succeeded(JPEG)))
    assert wire.queue.save(view, tmp_path).read_bytes() == JPEG
    (download,) = server.asked("GET /o")
    assert "authorization" not in download.headers


def test_the_url_of_a_result_can_be_handed_on(wire: Wire) -> None:
    view = ready_to_save(wire)
    assert wire.queue.result_url(view) == f"{wire.storage.url}/o?X-Amz-Signature=s"
    (asked,) = wire.service.requests
    assert asked.query == {"redirect": "no"}


def test_a_result_is_saved_under_a_given_name_in_a_new_folder(wire: Wire, tmp_path: Path) -> None:
    ready_to_save(wire, Answer(200, JPEG))
    wire.service.on("GET /v1/jobs/j1", Answer(200, succeeded(JPEG)))
    path = wire.queue.save("j1", tmp_path / "new" / "mine.jpg")
    assert path.read_bytes() == JPEG


def test_a_result_with_another_digest_is_not_kept(wire: Wire, tmp_path: Path) -> None:
    view = ready_to_save(wire, Answer(200, JPEG + b"!"))
    with pytest.raises(ResultCorrupt, match="j1"):
        wire.queue.save(view, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_each_try_of_a_download_asks_for_a_fresh_url(wire: Wire, tmp_path: Path) -> None:
    cut_short = Answer(200, JPEG[:4], lost=True)
    view = ready_to_save(wire, Answer(503), Answer(lost=True), cut_short, Answer(200, JPEG))
    assert wire.queue.save(view, tmp_path).read_bytes() == JPEG
    assert len(wire.service.asked("GET /v1/jobs/j1/result")) == len(wire.storage.requests) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["j1.jpg"]


def test_a_job_that_failed_has_nothing_to_save_and_says_why(wire: Wire, tmp_path: Path) -> None:
    wire.service.on("GET /v1/jobs/j1", Answer(200, failed()))
    with pytest.raises(JobFailed, match=r"The file is damaged\. \(image-undecodable\)") as caught:
        wire.queue.save("j1", tmp_path)
    assert caught.value.job.status is JobStatus.FAILED


def test_a_job_that_still_runs_has_nothing_to_save(wire: Wire, tmp_path: Path) -> None:
    wire.service.on("GET /v1/jobs/j1", Answer(200, job("running", 2)))
    with pytest.raises(RequestRefused) as caught:
        wire.queue.save("j1", tmp_path)
    assert caught.value.code == "job-not-finished"
