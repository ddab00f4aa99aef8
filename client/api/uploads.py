"""How a picture gets to the service: files are announced by their digest and sent only if it lacks them."""

from __future__ import annotations

from client.folder.pictures import File, Picture, announcement, content_of, url_source
from client.http.answers import parsed
from client.http.transport import Transport
from shared.wire.descriptors import DataSource, ImageSource, UploadRequest, UploadSource, UrlSource
from shared.wire.records import Upload


def source_of(picture: Picture, transport: Transport) -> ImageSource:
    if isinstance(picture, UrlSource | UploadSource | DataSource):
        return picture
    if isinstance(picture, str):
        return url_source(picture)
    return UploadSource(upload_id=upload(picture, transport))


def upload(picture: File, transport: Transport) -> str:
    return send(announcement(picture), picture, transport).upload_id


def send(announced: UploadRequest, picture: File, transport: Transport) -> Upload:
    """What the service answered to the announcement; it is read again only if it must be sent."""
    place = parsed(Upload, transport.post("/v1/uploads", announced, repeatable=True))
    if not place.exists:
        transport.put(place, content_of(picture))
    return place
