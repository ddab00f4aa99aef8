"""Records as the API shows them: with ready-made links, and with where they stand."""

from __future__ import annotations

from flask import request

from api.services import services
from shared.batch_records import BatchLinks, BatchView, Progress
from shared.batch_store import PlacedBatch
from shared.job_store import Placed
from shared.records import FINAL, JobLinks, JobStatus, JobView, QueueView, ResultView


def job_url(job_id: str) -> str:
    """Where the job is polled; absolute, so that it can be followed as it is."""
    return f"{request.root_url}v1/jobs/{job_id}"


def batch_url(batch_id: str) -> str:
    return f"{request.root_url}v1/batches/{batch_id}"


def job_queue(placed: Placed) -> QueueView | None:
    """Where the job stands, while it waits."""
    if placed.status is not JobStatus.QUEUED:
        return None
    return services().forecasts.latest().of(placed.lane, placed.position)


def batch_queue(placed: PlacedBatch) -> QueueView | None:
    """Where the batch's last waiting job stands; that of several lanes which will take longest."""
    forecast = services().forecasts.latest() if placed.last_positions else None
    views = [forecast.of(lane, place) for lane, place in placed.last_positions.items()] if forecast else []
    return max(views, key=_duration, default=None)


def _duration(view: QueueView) -> float:
    return view.eta_seconds.p50 if view.eta_seconds else float("inf")


def job_view(placed: Placed) -> JobView:
    """The job. Its other routes lie below its own (test_api.py follows them)."""
    job, url = placed.job, job_url(placed.job_id)
    links = JobLinks(
        self=url,
        result=f"{url}/result",
        cancel=f"{url}/cancel",
        events=f"{url}/events",
        batch=batch_url(job.batch_id) if job.batch_id else None,
    )
    result = job.result and ResultView(url=links.result, **dict(job.result))
    return JobView(**{**dict(job), "result": result, "queue": job_queue(placed), "links": links})


def batch_view(placed: PlacedBatch) -> BatchView:
    batch = placed.batch
    finished = sum(batch.counts[status] for status in FINAL)
    return BatchView(
        **dict(batch),
        progress=Progress(finished=finished, fraction=finished / batch.total if batch.total else 0.0),
        queue=batch_queue(placed),
        rejected_lines=placed.rejected_lines,
        links=_batch_links(batch_url(batch.id), written=batch.output_key is not None),
    )


def _batch_links(url: str, *, written: bool) -> BatchLinks:
    steps = ("jobs", "results", "rejected", "archive", "events", "cancel")
    objects = {step: f"{url}/{step}" for step in ("output", "errors")} if written else {}
    return BatchLinks(self=url, **{step: f"{url}/{step}" for step in steps}, **objects)
