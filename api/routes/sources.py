"""/v1/jobs/{id}/content and /style: the pictures that a job was made of."""

from __future__ import annotations

from flask import Response
from flask_openapi3 import Tag
from pydantic import Field

from api.access.owners import job_owner
from api.http.blueprints import Routes
from api.http.spec import problems
from api.http.stored_files import LEADS_TO_FILE, SOME_IMAGE, FileQuery, lead_to
from api.routes.jobs import JobPath
from api.services import services
from shared.policy.object_keys import upload_key
from shared.policy.source_rules import S3_SCHEME, s3_location
from shared.request_errors import SourceNotStored
from shared.wire.descriptors import MAX_STYLES
from shared.wire.records import Job
from shared.wire.sources import ImageSource, UploadSource, UrlSource

sources = Routes("sources", __name__, url_prefix="/v1/jobs/<job_id>", abp_tags=[Tag(name="jobs")])


class StyleQuery(FileQuery):
    number: int = Field(0, ge=0, lt=MAX_STYLES, description="Which of several styles; the first is 0.")


@sources.get("/content", responses={**LEADS_TO_FILE, **problems(404, 409, 422)})
def get_content(path: JobPath, query: FileQuery) -> Response:
    """Get the job's content image through a presigned URL. One behind https:// is not kept: 409."""
    job = _job(path)
    return _lead_to(query, job, job.request.content)


@sources.get("/style", responses={**LEADS_TO_FILE, **problems(404, 409, 422)})
def get_style(path: JobPath, query: StyleQuery) -> Response:
    """Get one of the job's style images through a presigned URL. One behind https:// is not kept: 409."""
    job = _job(path)
    styles = job.request.weighted_styles()
    if query.number >= len(styles):
        raise SourceNotStored(f"The job has {len(styles)} style(s); the number of the first is 0")
    return _lead_to(query, job, styles[query.number][0])


def _job(path: JobPath) -> Job:
    return services().store.get(path.job_id, job_owner(path.job_id))


def _lead_to(query: FileQuery, job: Job, source: ImageSource) -> Response:
    if isinstance(source, UploadSource):
        return lead_to(query, upload_key(job.folder, source.upload_id), SOME_IMAGE)
    if isinstance(source, UrlSource) and source.url.startswith(S3_SCHEME):
        bucket, key = s3_location(source.url, job.owner, services().settings)
        return lead_to(query, key, SOME_IMAGE, bucket)
    raise SourceNotStored("The service keeps no copy of a picture behind https://; the job has its URL")
