"""`stylequeue batch`: the commands that look at batches and change them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from client.commands.batch_tables import batch_summary, batch_table, result_table
from shared.wire.batch_records import BatchView, ResultRow
from tests.unit.batch_service import BatchService, batch_view
from tests.unit.client_server import JPEG, URL, problem
from tests.unit.command_service import run


@pytest.fixture
def batch(bulk: BatchService, photos: Path, tmp_path: Path) -> BatchService:
    """A service with a batch of two pictures that are painted, one failure and one rejected line."""
    (photos / "refused.jpg").write_bytes(JPEG)
    run(bulk.url, "submit", photos, "--style", URL, "--out", tmp_path / "out")
    return bulk


def test_status_shows_what_a_person_wants_to_know(batch: BatchService) -> None:
    result = run(batch.url, "batch", "status", "batch-1")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    for expected in (
        "status finalizing",
        "jobs 3: 2 succeeded, 1 failed",
        "ended 3 (100%)",
        "rejected 1 line(s)",
        "line 4: Another bucket than the service's",
    ):
        assert expected in lines


def test_status_prints_json_for_programs(batch: BatchService) -> None:
    answer = json.loads(run(batch.url, "batch", "status", "batch-1", "--json").output)
    assert (answer["id"], answer["total"], answer["counts"]["failed"]) == ("batch-1", 3, 1)


def test_status_says_why_nothing_moves(batch: BatchService) -> None:
    batch.ending, batch.waits_for = 0, "No worker that serves the lane 'bulk' was seen in the last 15 s"
    assert batch.waits_for in run(batch.url, "batch", "status", "batch-1").output


def test_status_says_why_the_results_are_not_written_yet(capsys: pytest.CaptureFixture[str]) -> None:
    error = {"code": "storage-unavailable", "detail": "The storage answers SlowDown"}
    view = BatchView.model_validate(batch_view("finalizing", finished=2, error=error))
    Console(width=80).print(batch_summary(view))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "error The storage answers SlowDown (storage-unavailable)" in lines


def test_results_are_a_table_of_jobs_and_reasons(batch: BatchService) -> None:
    output = run(batch.url, "batch", "results", "batch-1").output
    for expected in ("cat--wave.jpg", "batch-1-2", "succeeded", "The file is damaged. (image-undecodable)"):
        assert expected in output
    one = run(batch.url, "batch", "results", "batch-1", "--limit", "1").output
    assert "batch-1-2" not in one
    assert "... and more; --limit shows more, --json prints all." in one


def test_results_are_lines_of_json_for_programs(batch: BatchService) -> None:
    output = run(batch.url, "batch", "results", "batch-1", "--status", "failed", "--json").stdout
    (row,) = map(json.loads, output.splitlines())
    assert (row["line"], row["error"]["code"]) == (1, "image-undecodable")


def test_cancel_says_what_became_of_the_jobs(batch: BatchService) -> None:
    assert (
        run(batch.url, "batch", "cancel", "batch-1").output
        == "Batch batch-1 is canceled: 3 of 3 job(s) canceled.\n"
    )


@pytest.mark.parametrize(
    ("command", "words"), [("pause", "is paused"), ("resume", "goes on"), ("first", "goes first")]
)
def test_steering_says_what_the_batch_does_now(batch: BatchService, command: str, words: str) -> None:
    batch.ending = 1
    assert (
        run(batch.url, "batch", command, "batch-1").output == f"Batch batch-1 {words}: 2 of 3 job(s) to do.\n"
    )
    assert batch.requests[-1].path == f"/v1/batches/batch-1/{command}"


def test_a_batch_goes_to_another_lane(batch: BatchService) -> None:
    batch.ending = 1
    output = run(batch.url, "batch", "lane", "batch-1", "high").output
    assert output == "Batch batch-1 has gone to the lane high: 2 of 3 job(s) to do.\n"
    (request,) = batch.asked("POST /v1/batches/batch-1/lane")
    assert json.loads(request.body) == {"lane": "high"}
    wrong = run(batch.url, "batch", "lane", "batch-1", "optimize")
    assert (wrong.exit_code, "'high', 'normal', 'bulk'" in wrong.output) == (2, True)


def test_retry_leaves_out_permanent_failures_and_says_how_to_retry_them(
    bulk: BatchService, photos: Path, tmp_path: Path
) -> None:
    (photos / "unlucky.jpg").write_bytes(JPEG + b"out of memory")
    run(bulk.url, "submit", photos, "--style", URL, "--out", tmp_path / "out")
    result = run(bulk.url, "batch", "retry", "batch-1")
    assert result.exit_code == 0
    assert "1 job(s) cannot be painted; a retry would not help. To retry them" in result.output
    assert f"stylequeue --api {bulk.url} batch retry batch-1 --permanent\n" in result.output
    forced = run(bulk.url, "batch", "retry", "batch-1", "--only", "all", "--permanent")
    assert (forced.exit_code, "for good" in forced.output) == (0, False)
    bodies = [json.loads(request.body) for request in bulk.asked("POST /v1/batches/batch-1/retry")]
    assert bodies == [{"permanent": False}, {"only": "all"}]


def test_batches_are_listed(batch: BatchService) -> None:
    output = run(batch.url, "batch", "list").output
    for expected in ("batch-1", "finalizing", "3/3"):
        assert expected in output


def test_ids_stay_whole_at_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    batch_id, job_id = "batch_01a20a03b26a7786b641edc291", "job_01a20a03b26a7786b641edc2910012a9"
    counts = {"queued": 50_000, "failed": 50_000}
    large = batch_view("finalizing", id=batch_id, total=50_000, counts=counts)
    large["progress"]["finished"] = 50_000
    name = "a-rather-long-folder/" * 3
    row = {"line": 50_000, "job_id": job_id, "custom_id": name, "status": "succeeded", "cursor": 1}
    console = Console(width=80)
    console.print(batch_table([BatchView.model_validate(large)]))
    console.print(result_table([ResultRow.model_validate(row)], 80))
    output = capsys.readouterr().out
    for expected in (batch_id, job_id, "50000/50000", "finalizing"):
        assert expected in output
    assert max(map(len, output.splitlines())) <= 80


def test_no_batches_and_no_results_are_said_in_words(bulk: BatchService, batch: BatchService) -> None:
    assert run(batch.url, "batch", "results", "batch-1", "--status", "expired").output == "No results.\n"
    batch.batches.clear()
    assert run(bulk.url, "batch", "list").output == "No batches.\n"


@pytest.mark.parametrize("command", ["status", "pause", "resume", "first", "cancel", "retry", "results"])
def test_an_unknown_id_is_a_message_and_exit_code_1(bulk: BatchService, command: str) -> None:
    result = run(bulk.url, "batch", command, "nope")
    assert (result.exit_code, result.output) == (1, "Error: There is no batch nope.\n")


def test_a_queue_that_stays_full_is_reported_with_the_way_to_go_on(
    bulk: BatchService, photos: Path, tmp_path: Path
) -> None:
    bulk.scripted = [problem(429, "queue-full", "The queue is full.", headers={"Retry-After": "3600"})]
    out = tmp_path / "out"
    result = run(bulk.url, "submit", photos / "cat.jpg", "--style", URL, "--out", out)
    assert result.exit_code == 1
    assert "The queue is full." in result.output
    assert f"stylequeue resume {out}" in result.output
