"""The uploads that a job names."""

from __future__ import annotations

import re

from shared.wire.descriptors import Stylization
from shared.wire.sources import ImageSource, UploadSource, UrlSource

_UPLOAD_URL = re.compile(r"s3://[^/]+/uploads/([^/]+)/([0-9a-f]{64})")


def uploads_of(request: Stylization, owner: str) -> list[str]:
    """Return <owner>/<digest> once for each time that the request names an upload.

    uploads.lua does the same for a record. An upload named by an s3:// URL counts for any bucket, because the
    bucket may be the service's own.
    """
    found = (_upload_of(source, owner) for source in request.sources().values())
    return [upload for upload in found if upload]


def _upload_of(source: ImageSource, owner: str) -> str | None:
    if isinstance(source, UploadSource):
        return f"{owner}/{source.upload_id}"
    match = _UPLOAD_URL.fullmatch(source.url) if isinstance(source, UrlSource) else None
    return f"{owner}/{match[2]}" if match and match[1] == owner else None
