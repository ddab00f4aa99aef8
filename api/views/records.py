"""Records as the API shows them, with links and their position in the queue."""

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
from shared.store.codecs.job import Fields, decode_request, shown
from shared.store.job_reader import JobSnapshot
from shared.wire.batch_records import BatchLinks, BatchView, Progress
from shared.wire.descriptors import Stylization
from shared.wire.records import FINAL, JobStatus, QueueView

MOST_REMEMBERED = 4_096  # characters of a record; one with a data: URI is longer


def job_url(job_id: str) -> str:
    """Return the absolute URL of a job."""
    return links.job_url(root_url(), job_id)


def batch_url(batch_id: str) -> str:
    return links.batch_url(root_url(), batch_id)


def root_url() -> str:
    """Return the API's public URL, or else the URL to which the request was sent, with a slash at the end.

    `request.root_url` also decodes it, which takes ten times as long.
    """
    public = services().settings.public_url
    if public:
        return f"{public}/"
    current = current_request()
    return f"{current.scheme}://{requested_host()}{current.root_path}/"


def job_queue(snapshot: JobSnapshot) -> QueueView | None:
    """Return a waiting job's position and forecast; None for other jobs."""
    if snapshot.status is not JobStatus.QUEUED:
        return None
    return services().forecasts.latest().of(snapshot.lane, snapshot.position, snapshot.needs)


def batch_queue(snapshot: BatchSnapshot) -> QueueView | None:
    """Return the position and forecast of the batch's last waiting job, in the lane that takes longest."""
    forecast = services().forecasts.latest() if snapshot.last_positions else None
    views = (
        [forecast.of(lane, position) for lane, position in snapshot.last_positions.items()]
        if forecast
        else []
    )
    return max(views, key=_duration, default=None)


def _duration(view: QueueView) -> float:
    return view.eta_seconds.p50 if view.eta_seconds else float("inf")


def job_json(snapshot: JobSnapshot, queue: QueueView | None) -> bytes:
    """Return a JobView as JSON. Polls of an unchanged job differ only in its place in the queue."""
    fields = snapshot.fields
    known = (snapshot.job_id, tuple(fields), tuple(fields.values()), root_url(), shown_owner(snapshot.owner))
    rest = _remembered_rest if sum(map(len, known[2])) <= MOST_REMEMBERED else _rest
    return b'{"queue":' + to_json(queue) + b"," + rest(*known)[1:]


def _rest(
    job_id: str, names: tuple[str, ...], values: tuple[str, ...], root: str, owner: str | None
) -> bytes:
    return to_json(_members(job_id, dict(zip(names, values, strict=True)), root, owner))


_remembered_rest = lru_cache(maxsize=1000)(_rest)


def _members(job_id: str, fields: Fields, root: str, owner: str | None) -> dict[str, Any]:
    """Return the members of a JobView without `queue`.

    They come straight from the record's fields, because through the models they take three times as long.
    The tests hold every response against the model.
    """
    view = shown(fields)
    ways, result = job_links(root, job_id, view["batch_id"]), view["result"]
    return {
        **view,
        "id": job_id,
        "owner": owner,
        "request": _shown_request(decode_request(fields["request"])),
        "result": result and {**result, "url": ways["result"]},
        "links": ways,
    }


def _shown_request(request: Stylization) -> dict[str, Any]:
    """Return the request with the default size of the fast method, which older clients expect to see."""
    members = request.model_dump(mode="json")
    if request.params.max_side is None and not request.params.leaves_size_to_worker:
        members["params"]["max_side"] = request.params.longest_side
    return members


def job_page(jobs: Iterable[JobSnapshot], next_cursor: str | None = None) -> bytes:
    """Return a JobPage as JSON."""
    bodies = b",".join(job_json(snapshot, job_queue(snapshot)) for snapshot in jobs)
    return b'{"jobs":[%b],"next_cursor":%b}' % (bodies, to_json(next_cursor))


def batch_view(snapshot: BatchSnapshot, queue: QueueView | None) -> BatchView:
    batch = snapshot.batch
    finished = sum(batch.counts[status] for status in FINAL)
    return BatchView(
        **{**dict(batch), "owner": shown_owner(batch.owner)},
        progress=Progress(finished=finished, fraction=finished / batch.total if batch.total else 0.0),
        queue=queue,
        rejected_lines=snapshot.rejected_lines,
        links=BatchLinks.model_validate(
            batch_links(root_url(), batch.id, written=batch.output_key is not None)
        ),
    )


def batch_json(snapshot: BatchSnapshot, queue: QueueView | None) -> bytes:
    """Return a BatchView as JSON."""
    return to_json(batch_view(snapshot, queue))
