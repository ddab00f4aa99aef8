"""A loopback service that takes uploads and batches, and ends as many jobs as it is told to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from threading import Event
from typing import Any

from tests.unit.client_server import NOW, TRUNCATED, Answer, Request, failed, problem, succeeded
from tests.unit.command_service import Service, picture

EVERYTHING = 1_000_000


class BatchService(Service):
    """A photo whose name begins with `bad` always fails, with `unlucky` until it is tried again; with
    `refused` its line is rejected, with `cut` it is truncated.

    `ending` is how many jobs of a batch may end; `stored` has the stored files, by digest.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stored: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, tuple[str, bytes]] = {}
        self.submitted: list[dict[str, Any]] = []  # every job that arrived in a batch
        self.listing: list[str] = []  # what is in the bucket, for a prefix
        self.skipped: list[dict[str, Any]] = []  # what is beside it
        self.scripted: list[Answer] = []  # sent before the response to a submission
        self.lose_answers = False
        self.gone = False  # no request gets a response
        self.rows_expired = False
        self.rows_of_a_job = 1  # more after retries
        self.damaged: set[str] = set()  # jobs whose pictures arrive with another digest
        self.waits_for: str | None = None  # why the jobs that have not ended do not run
        self.ending = self.largest_upload = EVERYTHING
        self.settled = Event()  # somebody has asked for a change when there was none
        self._lines: dict[str, list[dict[str, Any]]] = {}

    def _answer(self, request: Request) -> Answer:
        handlers: dict[str, Callable[[Request], Answer]] = {
            "POST /v1/uploads": self._upload,
            "POST /v1/batches": self._submit,
            "GET /v1/batches": lambda _: Answer(200, {"batches": list(map(self._view, self.batches))}),
        }
        if self.gone:
            return LOST
        if request.path.startswith("/stored/"):
            return self._storage(request)
        if request.path.startswith("/v1/batches/"):
            _, batch_id, *step = request.path.removeprefix("/v1/").split("/")
            return self._batch(request, batch_id, *step)
        if request.route in handlers:
            return handlers[request.route](request)
        return super()._answer(request)

    def _upload(self, request: Request) -> Answer:
        announced = json.loads(request.body)
        digest = announced["sha256"]
        if announced["bytes"] > self.largest_upload:
            return problem(413, "body-too-large", f"The file has {announced['bytes']} bytes.")
        place = {"upload_id": digest, "exists": digest in self.stored, "url": f"{self.url}/stored/{digest}"}
        return Answer(200, {**place, "headers": {}, "expires_at": NOW})

    def _storage(self, request: Request) -> Answer:
        assert "authorization" not in request.headers
        name = request.path.removeprefix("/stored/")
        if request.method == "PUT":
            assert hashlib.sha256(request.body).hexdigest() == name
            self.stored[name] = request.body
            return Answer(200)
        if self.rows_expired and request.query.get("from") == "row":
            return Answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        return Answer(200, picture(name) + b"!" * (name in self.damaged))

    def _submit(self, request: Request) -> Answer:
        if self.scripted:
            return self.scripted.pop(0)
        key, body = request.headers["idempotency-key"], request.body
        batch_id, before = self.keys.setdefault(key, (f"batch-{len(self.batches) + 1}", body))
        if before != body:
            return problem(
                422, "idempotency-key-reused", "This Idempotency-Key was already used for another request."
            )
        if batch_id not in self.batches:
            self._lines[batch_id] = self._lines_of(request)
            self.batches[batch_id] = {"canceled": False, "ended": {}}
        return LOST if self.lose_answers else Answer(202, self._view(batch_id))

    def _lines_of(self, request: Request) -> list[dict[str, Any]]:
        if request.headers["content-type"] == "application/x-ndjson":
            lines = [json.loads(line) for line in request.body.splitlines()]
            self.submitted += lines
            return lines
        prefix = json.loads(request.body)
        self.submitted.append(prefix)
        styles = range(1, len(prefix["styles"]) + 1)
        return [
            {"metadata": {"photo": key, "content_key": key, "style_index": str(style)}}
            for key in self.listing
            for style in styles
        ]

    def _batch(self, request: Request, batch_id: str, step: str = "") -> Answer:
        if batch_id not in self.batches:
            return problem(404, "batch-not-found", f"There is no batch {batch_id}.")
        if step == "results":
            return self._results(request, batch_id)
        if step == "rejected":
            return ndjson([self._rejection(line) for line in self._rejected(batch_id)])
        if step == "cancel":
            self.batches[batch_id]["canceled"] = True
        if step == "retry":
            self._try_again(request, batch_id)
        view = self._view(batch_id)
        if request.headers.get("if-none-match") == f'W/"{view["seq"]}"':
            self.settled.set()
            return Answer(304, headers={"Retry-After": "0"})
        return Answer(202 if step else 200, view)

    def _results(self, request: Request, batch_id: str) -> Answer:
        after = int(request.query.get("after", 0))
        limit = int(request.query.get("limit", EVERYTHING))
        again = self._rows(batch_id) * self.rows_of_a_job
        rows = [{**row, "cursor": place} for place, row in enumerate(again, 1) if place > after][:limit]
        return ndjson([row for row in rows if request.query.get("status") in {None, row["status"]}])

    def _rows(self, batch_id: str) -> list[dict[str, Any]]:
        jobs = self._jobs(batch_id)[: self.ending]
        rows = [self._row(batch_id, line, job) for line, job in jobs]
        return [{**row, "cursor": place} for place, row in enumerate(rows, 1)]

    def _row(self, batch_id: str, line: int, job: dict[str, Any]) -> dict[str, Any]:
        job_id = f"{batch_id}-{line}"
        row = {"line": line, "job_id": job_id, "metadata": job["metadata"]}
        row |= {"custom_id": job["custom_id"]} if "custom_id" in job else {}
        if self.batches[batch_id]["canceled"]:
            return {**row, "status": "canceled"}
        if self._fails(batch_id, job):
            error = failed()["error"] | {"retryable": job["metadata"]["photo"].startswith("unlucky")}
            return {**row, "status": "failed", "error": error}
        self.jobs[job_id] = succeeded(picture(job_id), job_id)
        if job["metadata"]["photo"].startswith("cut"):
            self.jobs[job_id]["result"] |= {
                "warnings": [TRUNCATED],
                "source_width": 6000,
                "source_height": 4000,
            }
        url = f"{self.url}/stored/{job_id}?from=row"
        return {**row, "status": "succeeded", "result": {**self.jobs[job_id]["result"], "url": url}}

    def _fails(self, batch_id: str, job: dict[str, Any]) -> bool:
        kind = next((kind for kind in FAILING if job["metadata"]["photo"].startswith(kind)), None)
        return kind is not None and kind not in self.batches[batch_id].get("mended", ())

    def _try_again(self, request: Request, batch_id: str) -> None:
        wanted = json.loads(request.body or b"{}")
        self.batches[batch_id]["mended"] = FAILING if wanted.get("permanent", True) else FAILING[1:]

    def _jobs(self, batch_id: str) -> list[tuple[int, dict[str, Any]]]:
        """Return the accepted lines with their numbers."""
        lines = enumerate(self._lines[batch_id], 1)
        return [(line, job) for line, job in lines if not job["metadata"]["photo"].startswith("refused")]

    def _rejected(self, batch_id: str) -> list[int]:
        accepted = {line for line, _ in self._jobs(batch_id)}
        return [line for line in range(1, len(self._lines[batch_id]) + 1) if line not in accepted]

    def _rejection(self, line: int) -> dict[str, Any]:
        detail = "Another bucket than the service's"
        return {"line": line, "code": "source-not-allowed", "pointer": "/content/url", "detail": detail}

    def _view(self, batch_id: str) -> dict[str, Any]:
        rows, total = self._rows(batch_id), len(self._jobs(batch_id))
        counts = {status: sum(row["status"] == status for row in rows) for status in ENDED}
        counts["queued"] = total - len(rows)
        rejected = [self._rejection(line) for line in self._rejected(batch_id)]
        canceled = self.batches[batch_id]["canceled"]
        queue = {"runnable": False, "reason": self.waits_for} if self.waits_for and counts["queued"] else None
        status = "canceled" if canceled else "finalizing" if len(rows) == total else "running"
        seq = 1 + len(rows) + total * canceled
        more = {"total": total, "counts": counts, "queue": queue}
        more |= {"rejected": len(rejected), "rejected_lines": rejected, "skipped": self.skipped}
        return batch_view(status, seq, len(rows), id=batch_id, **more)


LOST = Answer(lost=True)
FAILING = ("bad", "unlucky")  # how names of photos begin that fail; trying again may help the second
ENDED = ("succeeded", "failed", "canceled")


def ndjson(rows: list[dict[str, Any]]) -> Answer:
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    return Answer(200, lines.encode(), {"Content-Type": "application/x-ndjson"})


def batch_view(status: str = "running", seq: int = 1, finished: int = 0, **more: Any) -> dict[str, Any]:
    """Return a batch in the wire format; of two jobs, unless told otherwise."""
    names = ("self", "jobs", "results", "rejected", "archive", "events", "cancel")
    links = {name: f"/v1/batches/b1/{name}" for name in names}
    counts = {"queued": 2 - finished, "succeeded": finished}
    view = {"id": "b1", "status": status, "seq": seq, "total": 2, "counts": counts, "rejected": 0, **more}
    progress = {"finished": finished, "fraction": finished / view["total"] if view["total"] else 1.0}
    return {**view, "created_at": NOW, "progress": progress, "links": links}
