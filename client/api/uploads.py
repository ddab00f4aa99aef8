"""Uploads: a file is announced by its digest and sent only if the service lacks it."""

from __future__ import annotations

from client.folder.pictures import File, Picture, announcement, content_of, url_source
from client.http.answers import parsed
from client.http.transport import Transport
from shared.wire.descriptors import UploadRequest
from shared.wire.records import Upload
from shared.wire.sources import DataSource, ImageSource, UploadSource, UrlSource


async def source_of(picture: Picture, transport: Transport) -> ImageSource:
    """Return the source that names the picture in a job; upload it if it is a file."""
    if isinstance(picture, UrlSource | UploadSource | DataSource):
        return picture
    if isinstance(picture, str):
        return url_source(picture)
    announced = await transport.driver.work(lambda: announcement(picture))
    return UploadSource(upload_id=(await send(announced, picture, transport)).upload_id)


async def send(announced: UploadRequest, picture: File, transport: Transport) -> Upload:
    """Send the file unless the service has it. Return the response to the announcement."""
    place = parsed(Upload, await transport.post("/v1/uploads", announced, repeatable=True))
    if not place.exists:
        await transport.put(place, await transport.driver.work(lambda: content_of(picture)))
    return place
