"""How a picture gets to the service: files are announced by their digest and sent only if it lacks them."""

from __future__ import annotations

import hashlib

from client.answers import parsed
from client.pictures import File, Picture, read, url_source
from client.transport import Transport
from shared.descriptors import DataSource, ImageSource, UploadRequest, UploadSource, UrlSource
from shared.records import Upload


def source_of(picture: Picture, transport: Transport) -> ImageSource:
    if isinstance(picture, UrlSource | UploadSource | DataSource):
        return picture
    if isinstance(picture, str):
        return url_source(picture)
    return UploadSource(upload_id=upload(picture, transport))


def upload(picture: File, transport: Transport) -> str:
    content, content_type = read(picture)
    digest = hashlib.sha256(content).hexdigest()
    request = UploadRequest(sha256=digest, bytes=len(content), content_type=content_type)
    place = parsed(Upload, transport.post("/v1/uploads", request, repeatable=True))
    if not place.exists:
        transport.put(place, content)
    return place.upload_id
