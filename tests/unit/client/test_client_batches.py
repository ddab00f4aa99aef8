"""Batches from Python, against a loopback server that speaks the wire format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from client import BatchWaitTimeout, RequestRefused, ServiceBusy
from client.api.batches import ROWS_AT_ONCE
from shared.wire.batch_descriptors import BatchJob, Matrix, MatrixBatch
from shared.wire.batch_records import BatchStatus
from shared.wire.descriptors import Lane
from shared.wire.params import Params
from shared.wire.records import JobStatus
from shared.wire.sources import UrlSource
from tests.unit.batch_service import batch_view as batch
from tests.unit.client_server import JPEG, URL, Answer, Wire, job, problem, succeeded

SOURCE = UrlSource(url=URL)


def rows(first: int, last: int, **more: Any) -> Answer:
    lines = [
        {"cursor": number, "line": number, "job_id": f"j{number}", "status": "failed", **more}
        for number in range(first, last + 1)
    ]
    return ndjson(*lines)


def ndjson(*lines: dict[str, Any], lost: bool = False) -> Answer:
    content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
    return Answer(200, content, {"Content-Type": "application/x-ndjson"}, lost)


def test_jobs_are_sent_as_one_body_with_a_line_for_each(wire: Wire) -> None:
    wire.service.on("POST /v1/batches", Answer(202, batch()))
    jobs = (BatchJob(content=SOURCE, style=SOURCE, custom_id=str(number)) for number in range(2))
    view = wire.queue.batches.submit(jobs, key="mine", atomic=True)
    assert (view.id, view.status) == ("b1", BatchStatus.RUNNING)
    [sent] = wire.service.requests
    assert (sent.headers["content-type"], sent.query) == ("application/x-ndjson", {"atomic": "true"})
    assert sent.headers["idempotency-key"] == "mine"
    assert sent.body.splitlines()[1] == (
        b'{"content":{"url":"%b"},"style":{"url":"%b"},"custom_id":"1"}' % (URL.encode(), URL.encode())
    )


def test_a_lane_and_wishes_that_are_no_defaults_are_sent(wire: Wire) -> None:
    wire.service.on("POST /v1/batches", Answer(202, batch()))
    wished = BatchJob(content=SOURCE, style=SOURCE, lane=Lane.NORMAL, params=Params(max_side=64))
    wire.queue.batches.submit([wished])
    line = json.loads(wire.service.requests[0].body)
    assert (line["lane"], line["params"]) == ("normal", {"max_side": 64})


def test_combinations_are_sent_as_json(wire: Wire) -> None:
    wire.service.on("POST /v1/batches", Answer(202, batch()))
    matrix = Matrix(contents=(SOURCE,), styles=(SOURCE,), strengths=(0.5, 1.0))
    wire.queue.batches.submit(MatrixBatch(matrix=matrix))
    [sent] = wire.service.requests
    assert sent.headers["content-type"] == "application/json"
    assert json.loads(sent.body)["matrix"]["strengths"] == [0.5, 1.0]


def test_a_lost_answer_and_a_request_in_progress_are_repeated_with_the_same_key_and_body(
    wire: Wire,
) -> None:
    busy = problem(409, "idempotency-in-progress", "being accepted", headers={"Retry-After": "0"})
    wire.service.on("POST /v1/batches", Answer(lost=True), busy, busy, Answer(202, batch()))
    wire.queue.batches.submit(BatchJob(content=SOURCE, style=SOURCE) for _ in range(3))
    assert len({each.headers["idempotency-key"] for each in wire.service.requests}) == 1
    assert [each.body.count(b"\n") for each in wire.service.requests] == [3] * 4


def test_a_queue_that_is_full_for_longer_than_we_wait_is_an_error_of_its_own(wire: Wire) -> None:
    wire.service.on("POST /v1/batches", problem(429, "queue-full", "full", headers={"Retry-After": "3600"}))
    with pytest.raises(ServiceBusy, match="full") as caught:
        wire.queue.batches.submit([BatchJob(content=SOURCE, style=SOURCE)])
    assert caught.value.safe_to_repeat


def test_a_refused_batch_names_the_members(wire: Wire) -> None:
    errors = [{"pointer": "/3/params/strength", "detail": "line 4: too large"}]
    wire.service.on("POST /v1/batches", problem(422, "batch-rejected", "None", errors=errors))
    with pytest.raises(RequestRefused) as caught:
        wire.queue.batches.submit([BatchJob(content=SOURCE, style=SOURCE)])
    assert [error.pointer for error in caught.value.errors] == ["/3/params/strength"]


def test_waiting_ends_when_all_jobs_have_and_rests_between_two_looks(wire: Wire) -> None:
    wire.service.on(
        "GET /v1/batches/b1",
        Answer(200, batch()),
        Answer(200, batch(seq=2, finished=1)),
        Answer(200, batch("finalizing", 3, 2)),
    )
    seen: list[int] = []
    ended = wire.queue.batches.wait("b1", on_change=lambda view: seen.append(view.progress.finished))
    assert (ended.status, seen) == (BatchStatus.FINALIZING, [0, 1, 2])
    asked = wire.service.requests
    assert [each.headers.get("if-none-match") for each in asked] == [None, 'W/"1"', 'W/"2"']
    assert asked[2].arrived - asked[1].arrived > 0.4  # half a second, less the time of a response


def test_waiting_ends_with_its_timeout(wire: Wire) -> None:
    wire.service.on("GET /v1/batches/b1", Answer(200, batch()), Answer(304, headers={"Retry-After": "60"}))
    with pytest.raises(BatchWaitTimeout, match=r"batch b1 is still running after 0\.2 s"):
        wire.queue.batches.wait("b1", timeout_seconds=0.2)


def test_results_are_read_in_pieces_from_behind_the_last_row(wire: Wire) -> None:
    wire.service.on(
        "GET /v1/batches/b1/results",
        rows(6, ROWS_AT_ONCE + 5),
        rows(ROWS_AT_ONCE + 6, ROWS_AT_ONCE + 20),
    )
    found = list(wire.queue.batches.results("b1", after=5, status=JobStatus.FAILED))
    assert [row.line for row in found] == list(range(6, ROWS_AT_ONCE + 21))
    first, second = wire.service.requests
    assert first.query == {"after": "5", "status": "failed", "limit": str(ROWS_AT_ONCE)}
    assert second.query == first.query | {"after": str(ROWS_AT_ONCE + 5)}


def test_results_that_break_off_are_read_again(wire: Wire) -> None:
    whole = {"cursor": 1, "line": 1, "job_id": "j1", "status": "canceled"}
    wire.service.on("GET /v1/batches/b1/results", ndjson(whole, lost=True), ndjson(whole))
    assert [row.job_id for row in wire.queue.batches.results("b1")] == ["j1"]
    assert len(wire.service.requests) == 2


def test_a_row_may_hold_what_other_programs_take_for_the_end_of_a_line(wire: Wire) -> None:
    wire.service.on("GET /v1/batches/b1/results", rows(1, 2, metadata={"note": "a\u2028b\x85c"}))
    found = list(wire.queue.batches.results("b1"))
    assert [row.metadata for row in found] == [{"note": "a\u2028b\x85c"}] * 2


def test_the_picture_of_a_row_is_fetched_from_the_storage_without_credentials(
    wire: Wire, tmp_path: Any
) -> None:
    result = {**succeeded(JPEG)["result"], "url": f"{wire.storage.url}/o?signed=1"}
    wire.service.on("GET /v1/batches/b1/results", rows(1, 1, result=result))
    wire.storage.on("GET /o", Answer(200, JPEG))
    (row,) = wire.queue.batches.results("b1")
    wire.queue.batches.save(row, tmp_path / "new" / "a.jpg")
    assert (tmp_path / "new" / "a.jpg").read_bytes() == JPEG
    [download] = wire.storage.requests
    assert "authorization" not in download.headers
    assert len(wire.service.requests) == 1


def test_a_row_without_a_picture_has_nothing_to_save(wire: Wire, tmp_path: Any) -> None:
    wire.service.on("GET /v1/batches/b1/results", rows(1, 1))
    (row,) = wire.queue.batches.results("b1")
    with pytest.raises(RequestRefused, match="the job was failed"):
        wire.queue.batches.save(row, tmp_path / "a.jpg")


def test_rejected_lines_are_read(wire: Wire) -> None:
    line = {"line": 3, "code": "invalid-parameter", "pointer": "/params/strength", "detail": "too large"}
    wire.service.on("GET /v1/batches/b1/rejected", ndjson(line))
    assert [each.line for each in wire.queue.batches.rejected("b1")] == [3]


def test_batches_and_their_jobs_are_listed_page_by_page(wire: Wire) -> None:
    wire.service.on(
        "GET /v1/batches",
        Answer(200, {"batches": [batch()], "next_cursor": "c"}),
        Answer(200, {"batches": []}),
    )
    wire.service.on(
        "GET /v1/batches/b1/jobs",
        Answer(200, {"jobs": [job()], "next_cursor": "d"}),
        Answer(200, {"jobs": [job(job_id="j2")]}),
    )
    assert [view.id for view in wire.queue.batches.list(page_size=1)] == ["b1"]
    assert [view.id for view in wire.queue.batches.jobs("b1", JobStatus.QUEUED)] == ["j1", "j2"]
    assert [each.query for each in wire.service.requests] == [
        {"limit": "1"},
        {"limit": "1", "cursor": "c"},
        {"status": "queued"},
        {"status": "queued", "cursor": "d"},
    ]


def test_a_batch_is_canceled_retried_and_deleted(wire: Wire) -> None:
    wire.service.on("POST /v1/batches/b1/cancel", Answer(202, batch(seq=2)))
    wire.service.on("POST /v1/batches/b1/retry", Answer(202, batch(seq=3)))
    wire.service.on("DELETE /v1/batches/b1", Answer(204))
    assert wire.queue.batches.cancel("b1").seq == 2
    assert wire.queue.batches.retry("b1", "all").seq == 3
    assert json.loads(wire.service.requests[1].body) == {"only": "all"}
    wire.queue.batches.delete("b1")
