"""The sources of a job's images."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, StringConstraints, Tag

from shared.policy.image_formats import CONTENT_TYPES
from shared.wire.base import Descriptor, Url
from shared.wire.words import in_words


class UrlSource(Descriptor):
    """An image behind `https://`, or an object as `s3://bucket/key`."""

    url: Url


class UploadSource(Descriptor):
    """An image that was uploaded before; `POST /v1/uploads` returned its `upload_id`."""

    upload_id: Annotated[
        str,
        StringConstraints(pattern=r"^[0-9a-f]{64}$"),
        in_words("It must be an upload_id that POST /v1/uploads returned"),
    ]


BASE64 = "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})"  # RFC 4648, padded


class DataSource(Descriptor):
    """A small image in the request itself: `data:image/png;base64,...`, of any accepted format."""

    data: Annotated[
        str,
        StringConstraints(pattern=rf"^data:({'|'.join(CONTENT_TYPES)});base64,{BASE64}$"),
        in_words("It must be data:image/jpeg;base64,... or another accepted format, with all of its padding"),
    ]


URL_TAG, UPLOAD_TAG, DATA_TAG = "url source", "upload source", "data source"  # never a member's name
SOURCE_TAGS = {"url": URL_TAG, "upload_id": UPLOAD_TAG, "data": DATA_TAG}


def _source_tag(value: Any) -> str | None:
    """Return the kind of source that an object means, by the first member that only this kind has."""
    members = value if isinstance(value, dict) else getattr(type(value), "model_fields", {})
    return next((tag for member, tag in SOURCE_TAGS.items() if member in members), None)


_BY_MEMBER = Discriminator(
    _source_tag,
    custom_error_type="image_source",
    custom_error_message="An image source is an object with exactly one of the members 'url', 'upload_id' "
    "and 'data'",
)
ImageSource = Annotated[
    Annotated[UrlSource, Tag(URL_TAG)]
    | Annotated[UploadSource, Tag(UPLOAD_TAG)]
    | Annotated[DataSource, Tag(DATA_TAG)],
    _BY_MEMBER,
]


class Weighted(Descriptor):
    weight: float = Field(
        1.0, gt=0, le=1000, allow_inf_nan=False, description="Weight relative to the other styles."
    )


class WeightedUrl(UrlSource, Weighted):
    """An image behind a URL, as one of several styles."""


class WeightedUpload(UploadSource, Weighted):
    """An uploaded image, as one of several styles."""


class WeightedData(DataSource, Weighted):
    """An image in the request, as one of several styles."""


WeightedSource = Annotated[
    Annotated[WeightedUrl, Tag(URL_TAG)]
    | Annotated[WeightedUpload, Tag(UPLOAD_TAG)]
    | Annotated[WeightedData, Tag(DATA_TAG)],
    _BY_MEMBER,
]
