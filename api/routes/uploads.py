"""/v1/uploads: files go straight to S3, each under its own digest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Response
from flask_openapi3 import Tag

from api.access.auth import current_owner
from api.http.blueprints import Routes
from api.http.spec import json_body, problems
from api.intake.bodies import read_json
from api.services import services
from shared.errors import BodyTooLarge
from shared.policy.object_keys import upload_key
from shared.wire.descriptors import UploadRequest
from shared.wire.records import Upload

uploads = Routes("uploads", __name__, url_prefix="/v1/uploads", abp_tags=[Tag(name="uploads")])


@uploads.post(
    "",
    responses={200: Upload, **problems(400, 413, 415, 422, 507)},
    openapi_extensions=json_body(UploadRequest),
)
def announce_upload() -> Response:
    """Announce a file and get the URL to PUT it to. A file that exists already need not be sent again.

    The file is kept while a job names it, and for upload_retention_seconds from now (see /v1/capabilities).
    """
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
    key = upload_key(owner, wanted.sha256)
    url, headers = parts.storage.presigned_put(key, wanted.content_type, wanted.bytes, wanted.sha256)
    exists = parts.storage.exists(key)
    if exists:
        parts.known_uploads.note(owner, [wanted.sha256])
    upload = Upload(
        upload_id=wanted.sha256,
        exists=exists,
        url=url,
        headers=headers,
        expires_at=datetime.now(UTC) + timedelta(seconds=parts.settings.presigned_url_seconds),
    )
    return Response(upload.model_dump_json(), mimetype="application/json")
