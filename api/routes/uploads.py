"""/v1/uploads: files go straight to S3, or through the API, each under its own digest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Response, request
from flask_openapi3 import Tag

from api.access.auth import current_owner
from api.http.blueprints import Routes
from api.http.json_response import json_response
from api.http.spec import problems, upload_body
from api.intake.batch_spool import spooled_body
from api.intake.bodies import read_json
from api.intake.image_files import sent_file
from api.services import services
from shared.policy.object_keys import upload_key
from shared.request_errors import BodyTooLarge
from shared.wire.descriptors import UploadRequest
from shared.wire.records import Upload

IMAGES = ("image/", "application/octet-stream")

uploads = Routes("uploads", __name__, url_prefix="/v1/uploads", abp_tags=[Tag(name="uploads")])


@uploads.post(
    "",
    responses={200: Upload, **problems(400, 413, 415, 422, 507)},
    openapi_extensions=upload_body(),
)
def announce_upload() -> Response:
    """Announce a file and get the URL to PUT it to. A file that exists already need not be sent again.

    A body that is the file itself, with the image's Content-Type, is stored at once, for clients that cannot
    reach the storage. The file is kept while a job names it, and for upload_retention_seconds from now (see
    /v1/capabilities).
    """
    if not request.is_json and request.mimetype.startswith(IMAGES):
        return _answer(_take_file(), exists=True)
    wanted = read_json(UploadRequest)
    parts = services()
    limit = parts.settings.max_upload_bytes
    if wanted.bytes > limit:
        raise BodyTooLarge(
            f"The file has {wanted.bytes:,} bytes; the limit is {limit:,} (max_upload_bytes)", "/bytes"
        )
    owner = current_owner()
    # Before the check whether it exists: an announced upload is not removed.
    parts.uploads.announce(owner, {wanted.sha256: wanted.bytes})
    return _answer(wanted, exists=parts.storage.exists(upload_key(owner, wanted.sha256)))


def _take_file() -> UploadRequest:
    """Store the request's body as an upload; return the announcement that it stands for.

    Raises:
        BodyTooLarge: it is larger than an upload may be; the rest is not read.
        UnsupportedMediaType: it is not an accepted image.
    """
    parts, owner = services(), current_owner()
    with spooled_body(parts.settings.max_upload_bytes, "max_upload_bytes") as (body, digest):
        file = sent_file(body, digest)
        parts.uploads.announce(owner, {file.upload_id: file.size})
        parts.storage.put(upload_key(owner, file.upload_id), file.body, file.content_type)
    parts.known_uploads.note(owner, [file.upload_id])
    return UploadRequest(sha256=file.upload_id, bytes=file.size, content_type=file.content_type)


def _answer(wanted: UploadRequest, *, exists: bool) -> Response:
    parts = services()
    key = upload_key(current_owner(), wanted.sha256)
    url, headers = parts.storage.presigned_put(key, wanted.content_type, wanted.bytes, wanted.sha256)
    upload = Upload(
        upload_id=wanted.sha256,
        exists=exists,
        url=url,
        headers=headers,
        expires_at=datetime.now(UTC) + timedelta(seconds=parts.storage.url_seconds()),
    )
    return json_response(upload)
