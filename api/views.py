"""Records as the API shows them."""

from __future__ import annotations

from flask import url_for

from shared.records import Job, JobLinks, JobView, ResultView


def job_url(job_id: str) -> str:
    """Where the job is polled; absolute, so that it can be followed as it is."""
    return url_for("jobs.get_job", job_id=job_id, _external=True)


def job_view(job: Job) -> JobView:
    """The job with ready-made links. Its other routes lie below its own (test_api.py follows them)."""
    url = job_url(job.id)
    links = JobLinks(self=url, result=f"{url}/result", cancel=f"{url}/cancel")
    result = job.result and ResultView(url=links.result, **dict(job.result))
    return JobView(**{**dict(job), "result": result, "links": links})
