"""Records as the API shows them."""

from __future__ import annotations

from flask import url_for

from shared.records import Job, JobLinks, JobView, ResultView


def job_view(job: Job) -> JobView:
    """The job with ready-made links; absolute, so that they can be followed as they are."""
    links = JobLinks(
        self=url_for("jobs.get_job", job_id=job.id, _external=True),
        result=url_for("jobs.get_result", job_id=job.id, _external=True),
        cancel=url_for("jobs.cancel_job", job_id=job.id, _external=True),
    )
    result = job.result and ResultView(url=links.result, **dict(job.result))
    return JobView(**{**dict(job), "result": result, "links": links})
