"""Absolute URLs that a client can follow from a job or a batch."""

from __future__ import annotations


def job_url(root: str, job_id: str) -> str:
    """Return the URL of a job; `root` is the URL of the API, with a slash at its end."""
    return f"{root}v1/jobs/{job_id}"


def batch_url(root: str, batch_id: str) -> str:
    return f"{root}v1/batches/{batch_id}"


def job_links(root: str, job_id: str, batch_id: str | None) -> dict[str, str | None]:
    """Return the members of a JobLinks."""
    url = job_url(root, job_id)
    steps = {name: f"{url}/{name}" for name in ("result", "thumbnail", "preview", "cancel", "events")}
    return {"self": url, **steps, "batch": batch_url(root, batch_id) if batch_id else None}


def batch_links(root: str, batch_id: str, *, written: bool) -> dict[str, str | None]:
    """Return the members of a BatchLinks; `written` says whether its result objects exist."""
    url = batch_url(root, batch_id)
    steps = ("jobs", "results", "rejected", "archive", "events", "cancel")
    objects = {step: f"{url}/{step}" for step in ("output", "errors")} if written else {}
    return {"self": url, **{step: f"{url}/{step}" for step in steps}, **objects}
