"""The batch of a manifest. The same manifest gives the same bytes, so it can be sent again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from client.folder.file_names import name_of
from client.folder.inputs import Input
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
        defaults=manifest.wishes.model_dump(mode="json", exclude_defaults=True),
        webhook=webhook_of(manifest),
    )


def webhook_of(manifest: Manifest) -> BatchWebhook | None:
    return BatchWebhook(url=manifest.webhook) if manifest.webhook else None


def shown_name(picture: str) -> str:
    """Return a short name for a path or a URL."""
    return name_of(Path(picture) if Input(picture).is_file else picture)


def _job(manifest: Manifest, picture: Picture) -> BatchJob:
    wishes = manifest.wishes
    return BatchJob(
        content=_source(manifest, picture.input),
        style=_source(manifest, picture.style),
        params=wishes.params,
        output=wishes.output,
        lane=wishes.lane,
        custom_id=picture.file if len(picture.file) <= CUSTOM_ID_CHARACTERS else None,
        metadata={"photo": shown_name(picture.input), "style": shown_name(picture.style)},
    )


def _source(manifest: Manifest, name: str) -> ImageSource:
    file = manifest.files.get(name)
    return UrlSource(url=name) if file is None else UploadSource(upload_id=file.sha256)
