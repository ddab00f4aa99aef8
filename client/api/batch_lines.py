"""The batch of a manifest. The same manifest gives the same bytes, so it can be sent again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from client.folder.blends import parts_of
from client.folder.file_names import NAME_CHARACTERS
from client.folder.inputs import shown_name
from client.folder.manifest import Manifest, Picture
from shared.wire.batch_descriptors import BatchJob, BatchWebhook, PrefixBatch
from shared.wire.sources import ImageSource, UploadSource, UrlSource

CUSTOM_ID_CHARACTERS = 128


def lines_of(manifest: Manifest) -> Iterator[BatchJob]:
    """Yield a job for each picture that has a line, in the order of the lines."""
    return (_job(manifest, picture) for picture in manifest.pictures if picture.line is not None)


def prefix_batch(manifest: Manifest, prefix: str) -> PrefixBatch:
    return PrefixBatch(
        content_prefix=prefix,
        styles=tuple(_source(manifest, style) for style in manifest.styles),
        defaults=manifest.wishes.for_the_service(),
        webhook=webhook_of(manifest),
    )


def webhook_of(manifest: Manifest) -> BatchWebhook | None:
    return BatchWebhook(url=manifest.webhook) if manifest.webhook else None


def _job(manifest: Manifest, picture: Picture) -> BatchJob:
    wishes = manifest.wishes
    return BatchJob(
        content=_source(manifest, picture.input),
        params=picture.params(wishes.params),
        **_style(manifest, picture.style),
        output=wishes.output,
        lane=wishes.lane,
        custom_id=picture.file if len(picture.file) <= CUSTOM_ID_CHARACTERS else None,
        metadata={
            "photo": shown_name(picture.input),
            "style": shown_name(picture.style)[:NAME_CHARACTERS],
        },
    )


def _style(manifest: Manifest, style: str) -> dict[str, Any]:
    """Return the member of a job that names its style, or the styles of a blend."""
    blend = parts_of(style)
    if not blend:
        return {"style": _source(manifest, style)}
    weighted = [{**dict(_source(manifest, name)), "weight": float(weight)} for name, weight in blend]
    return {"styles": weighted}


def _source(manifest: Manifest, name: str) -> ImageSource:
    file = manifest.files.get(name)
    return UrlSource(url=name) if file is None else UploadSource(upload_id=file.sha256)
