"""Records as the API shows them: with ready-made links, and with where they stand."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from pydantic_core import to_json

from api.access.owners import shown_owner
from api.http.hosts import requested_host
from api.http.request_in_hand import current_request
from api.services import services
from shared import links
from shared.links import batch_links, job_links
from shared.store.batch_reader import BatchSnapshot
from shared.store.codecs.job import decode_request, shown
from shared.store.job_reader import JobSnapshot
from shared.wire.batch_records import BatchLinks, BatchView, Progress
from shared.wire.records import FINAL, JobStatus, QueueView

MOST_REMEMBERED = 4_096  # characters of a request; one with a data: URI is longer


def job_url(job_id: str) -> str:
    """Where the job is polled; absolute, so that it can be followed as it is."""
    return links.job_url(root_url(), job_id)


def batch_url(batch_id: str) -> str:
    return links.batch_url(root_url(), batch_id)


def root_url() -> str:
    """Return where the API is, with a slash at the end: its public URL, or else where the request was sent.

    `request.root_url` says the same but decodes it, which takes ten times as long.
    """
    public = services().settings.public_url
    if public:
        return f"{public}/"
    current = current_request()
    return f"{current.scheme}://{requested_host()}{current.root_path}/"


def job_queue(placed: JobSnapshot) -> QueueView | None:
    """Where the job stands, while it waits."""
    if placed.status is not JobStatus.QUEUED:
        return None
    return services().forecasts.latest().of(placed.lane, placed.position, placed.needs)


def batch_queue(placed: BatchSnapshot) -> QueueView | None:
    """Where the batch's last waiting job stands; that of several lanes which will take longest."""
    forecast = services().forecasts.latest() if placed.last_positions else None
    views = [forecast.of(lane, place) for lane, place in placed.last_positions.items()] if forecast else []
    return max(views, key=_duration, default=None)


def _duration(view: QueueView) -> float:
    return view.eta_seconds.p50 if view.eta_seconds else float("inf")


def job_view(placed: JobSnapshot, queue: QueueView | None) -> dict[str, Any]:
    """The members of a JobView. Its other routes lie below its own (test_api.py follows them).

    They come straight from the record's fields, because through the models a poll takes three times as long.
    The tests hold every response against the model.
    """
    view = shown(placed.fields)
    ways, result = job_links(root_url(), placed.job_id, view["batch_id"]), view["result"]
    return {
        **view,
        "id": placed.job_id,
        "owner": shown_owner(placed.owner),
        "request": _shown_request(placed.fields["request"]),
        "result": result and {**result, "url": ways["result"]},
        "queue": queue,
        "links": ways,
    }


def _shown_request(text: str) -> dict[str, Any]:
    """Return a stored request with all its defaults."""
    return _remembered_request(text) if len(text) <= MOST_REMEMBERED else _decoded_request(text)


def _decoded_request(text: str) -> dict[str, Any]:
    return decode_request(text).model_dump(mode="json")


_remembered_request = lru_cache(maxsize=1000)(_decoded_request)  # a job is polled several times


def job_page(jobs: Iterable[JobSnapshot], next_cursor: str | None = None) -> bytes:
    """A JobPage as JSON."""
    views = [job_view(placed, job_queue(placed)) for placed in jobs]
    return to_json({"jobs": views, "next_cursor": next_cursor})


def batch_view(placed: BatchSnapshot, queue: QueueView | None) -> BatchView:
    batch = placed.batch
    finished = sum(batch.counts[status] for status in FINAL)
    return BatchView(
        **{**dict(batch), "owner": shown_owner(batch.owner)},
        progress=Progress(finished=finished, fraction=finished / batch.total if batch.total else 0.0),
        queue=queue,
        rejected_lines=placed.rejected_lines,
        links=BatchLinks.model_validate(
            batch_links(root_url(), batch.id, written=batch.output_key is not None)
        ),
    )
