"""What a client may ask for. The API validates with these models and its OpenAPI page is made of them.

Limits that an operator can change (bytes, pixels) are checked where the settings are known.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from shared.policy.image_formats import ContentType
from shared.wire.words import told_as

MAX_STYLES = 8
MAX_TAGS = 16
MAX_METADATA_MEMBERS = 16
MIN_SIDE, DEFAULT_SIDE, MAX_SIDE = 64, 1024, 4096


Item = TypeVar("Item")


class Lane(StrEnum):
    """A queue of its own; a worker serves the lanes that it is told to."""

    HIGH = "high"  # a person is waiting
    NORMAL = "normal"  # single jobs
    BULK = "bulk"  # folders and buckets
    OPTIMIZE = "optimize"  # jobs of minutes, with the method of that name; workers of their own serve it


FAST_LANES = (Lane.HIGH, Lane.NORMAL, Lane.BULK)


def _integral(value: Any) -> Any:
    """1024.0 is an integer to JSON Schema, and so to us."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Integral = BeforeValidator(_integral)


class Descriptor(BaseModel):
    """A member that is not known is an error, not a silent wish; types are not guessed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


MAX_URL = 8192  # characters; URLs that are signed with temporary credentials have more than 2,500
# Keys of objects may hold spaces, and are taken as they are.
Url = Annotated[
    str,
    StringConstraints(
        min_length=8,
        max_length=MAX_URL,
        pattern=r"^(https?://[^\x00-\x20\x7f]+|s3://[^\x00-\x1f\x7f]+)$",
    ),
    told_as("It must begin with https:// or s3://, and an https:// URL has no spaces"),
]


class UrlSource(Descriptor):
    """An image behind `https://`, or an object as `s3://bucket/key`."""

    url: Url


class UploadSource(Descriptor):
    """An image that was uploaded before: the `upload_id` that `POST /v1/uploads` answered."""

    upload_id: Annotated[
        str,
        StringConstraints(pattern=r"^[0-9a-f]{64}$"),
        told_as("It must be an upload_id that POST /v1/uploads returned"),
    ]


BASE64 = "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})"  # RFC 4648, padded


class DataSource(Descriptor):
    """A small image in the request itself: `data:image/png;base64,...`."""

    data: Annotated[
        str,
        StringConstraints(pattern=rf"^data:image/(jpeg|png|webp);base64,{BASE64}$"),
        told_as("It must be data:image/jpeg;base64,... (or png, webp), with all of its padding"),
    ]


URL_TAG, UPLOAD_TAG, DATA_TAG = "url source", "upload source", "data source"  # never a member's name
SOURCE_TAGS = {"url": URL_TAG, "upload_id": UPLOAD_TAG, "data": DATA_TAG}


def _source_tag(value: Any) -> str | None:
    """The kind of source that an object means, by the first member that only this kind has."""
    members = value if isinstance(value, dict) else getattr(type(value), "model_fields", {})
    return next((tag for member, tag in SOURCE_TAGS.items() if member in members), None)


_BY_MEMBER = Discriminator(
    _source_tag,
    custom_error_type="image_source",
    custom_error_message="An image source has exactly one of the members 'url', 'upload_id' and 'data'",
)
ImageSource = Annotated[
    Annotated[UrlSource, Tag(URL_TAG)]
    | Annotated[UploadSource, Tag(UPLOAD_TAG)]
    | Annotated[DataSource, Tag(DATA_TAG)],
    _BY_MEMBER,
]


class Weighted(Descriptor):
    weight: float = Field(1.0, gt=0, le=1000, allow_inf_nan=False, description="Relative to the others.")


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


Method = Literal["fast", "optimize"]
METHODS: tuple[Method, ...] = get_args(Method)
# Members of Params that mean something with one method only.
OF_THE_MINIMIZATION = ("total_variation", "iterations", "init", "levels", "seed", "max_seconds")
OF_THE_LOSSES = ("alpha", "beta")
OF_THE_MODEL = ("strength", "style_size")


def _schema_of_methods(schema: dict[str, Any]) -> None:
    """Says in JSON Schema what the validators of Params do: the others' members have their defaults."""

    def left_alone(*names: str) -> dict[str, Any]:
        return {name: {"const": schema["properties"][name]["default"]} for name in names}

    fast, optimize = {"method": {"const": "fast"}}, {"method": {"const": "optimize"}}
    schema["anyOf"] = [
        {"properties": fast | left_alone(*OF_THE_MINIMIZATION, *OF_THE_LOSSES)},
        {
            "properties": fast | left_alone(*OF_THE_MINIMIZATION) | {"losses": {"const": True}},
            "required": ["losses"],
        },
        {"properties": optimize | left_alone(*OF_THE_MODEL), "required": ["method"]},
    ]


class Params(Descriptor):
    """How to stylize."""

    model_config = ConfigDict(json_schema_extra=_schema_of_methods)

    method: Method = Field(
        "fast",
        description="'fast' is one pass through the model; 'optimize' minimizes the losses of "
        "arXiv:1508.06576 over the pixels, which takes minutes.",
    )
    losses: bool = Field(
        False,
        description="Whether the result tells its content and style losses; costs four looks of a VGG "
        "network, and one more for each further style. With 'optimize' they are known anyway.",
    )
    strength: float = Field(
        1.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="1 paints wholly in the style, 0 in the content's own; below 1 it costs a run of the "
        "style network on the content.",
    )
    max_side: Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE), Integral] = Field(
        DEFAULT_SIDE,
        description="Longest side of the stylized image, in pixels; a larger content image is scaled down.",
    )
    style_size: Annotated[int, Field(ge=MIN_SIDE, le=1024), Integral] = Field(
        256,
        description="Side in pixels of the square that the style image is scaled to; 256 in training.",
    )
    preserve_color: Literal["none", "luminance"] = Field(
        "none",
        description="'luminance' takes only the brightness from the stylized image and keeps the colors.",
    )
    alpha: float = Field(
        1.0, ge=0, le=1e9, allow_inf_nan=False, description="Weight of the content loss in the total."
    )
    beta: float = Field(
        1000.0, ge=0, le=1e12, allow_inf_nan=False, description="Weight of the style loss in the total."
    )
    total_variation: float = Field(
        0.0,
        ge=0,
        le=1e9,
        allow_inf_nan=False,
        description="Weight of the noise in the total, for 'optimize'.",
    )
    iterations: Annotated[int, Field(ge=1, le=2000), Integral] = Field(
        150, description="Steps of the minimization, for 'optimize'."
    )
    init: Literal["fast", "content", "noise"] = Field(
        "fast", description="Where the minimization begins: the fast method's picture, the content, or noise."
    )
    levels: Annotated[int, Field(ge=1, le=4), Integral] = Field(
        1, description="Sizes of the minimization, from coarse to fine, each twice the one before."
    )
    seed: Annotated[int, Field(ge=0, lt=2**32), Integral] = Field(
        0, description="Of the noise to begin with."
    )
    max_seconds: Annotated[int, Field(ge=1, le=86_400), Integral] | None = Field(
        None,
        description="Time for the minimization, which then ends with its best picture so far; never more "
        "than the service allows.",
    )

    @property
    def measures_losses(self) -> bool:
        """Whether the result will tell its losses."""
        return self.losses or self.method == "optimize"

    @field_validator(*OF_THE_MINIMIZATION, *OF_THE_LOSSES, *OF_THE_MODEL)
    @classmethod
    def _fits_the_method(cls, value: Any, others: ValidationInfo) -> Any:
        """A default always does: answers of the service have all members."""
        name = others.field_name or ""
        method, losses = others.data.get("method"), others.data.get("losses")
        if value == cls.model_fields[name].default:
            return value
        if method == "fast" and (name in OF_THE_MINIMIZATION or (name in OF_THE_LOSSES and not losses)):
            also = " or with `losses`" if name in OF_THE_LOSSES else ""
            raise PydanticCustomError("method", f"It means something with method 'optimize'{also} only")
        if method == "optimize" and name in OF_THE_MODEL:
            raise PydanticCustomError(
                "method", "It means something with method 'fast' only; see alpha and beta"
            )
        return value


KEY_STEP = (
    r"[A-Za-z0-9_][A-Za-z0-9_.()=@+,!-]{0,149}"  # so none is . or .., or has a name no file system takes
)
OutputKey = Annotated[
    str, StringConstraints(min_length=1, max_length=500, pattern=rf"^{KEY_STEP}(/{KEY_STEP})*$")
]
Bucket = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{3,255}$")]
SERVICES_OWN = ("job_", "batch_")
EXTENSIONS = {"jpg": "jpeg", "jpeg": "jpeg", "png": "png", "webp": "webp"}


class Output(Descriptor):
    """How to write the stylized image."""

    format: Literal["jpeg", "png", "webp"] = "jpeg"
    quality: Annotated[int, Field(ge=1, le=100), Integral] = Field(92, description="For jpeg and webp.")
    bucket: Bucket | None = Field(
        None, description="A bucket of yours that the operator lets the service write to; unset: its own."
    )
    key: OutputKey | None = Field(
        None,
        validate_default=True,
        description="Where the picture is to lie: in the service's bucket below `results/` and your name, "
        "and not beginning with job_ or batch_; in your own bucket just so. No two jobs have the same. "
        "Not with another format's extension. Unset: the job's id and the format's extension.",
    )

    @field_validator("key")
    @classmethod
    def _own_and_of_the_format(cls, key: str | None, others: ValidationInfo) -> str | None:
        if key is None:
            return None
        if key.startswith(SERVICES_OWN) and others.data.get("bucket") is None:
            raise PydanticCustomError("key", "Keys that begin with job_ or batch_ are the service's own")
        extension, image_format = key.rpartition(".")[2].lower(), others.data.get("format")
        if EXTENSIONS.get(extension, image_format) != image_format:
            message = "The key has the extension of another format than {format}"
            raise PydanticCustomError("key", message, {"format": image_format})
        return key


Label = Annotated[str, StringConstraints(min_length=1, max_length=128)]
MetadataValue = Annotated[str, StringConstraints(max_length=512)]


# What JSON Schema cannot read off the two optional members.
_ONE_OF_STYLE_AND_STYLES: dict[str, Any] = {
    "oneOf": [
        {"required": ["style"], "properties": {"style": {"type": "object"}, "styles": {"type": "null"}}},
        {"required": ["styles"], "properties": {"styles": {"type": "array"}, "style": {"type": "null"}}},
    ]
}


Styles = Annotated[
    tuple[WeightedSource, ...], Field(min_length=1, max_length=MAX_STYLES, strict=False, fail_fast=True)
]


WebhookUrl = Annotated[
    str,
    StringConstraints(min_length=10, max_length=MAX_URL, pattern=r"^https?://[^\x00-\x20\x7f]+$"),
    told_as("It must begin with https:// and have no spaces"),
]


def each_once(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Return the items in their order, without repetitions."""
    return tuple(dict.fromkeys(items))


class JobEvent(StrEnum):
    """What a job's webhook tells of."""

    SUCCEEDED = "job.succeeded"
    FAILED = "job.failed"
    CANCELED = "job.canceled"
    EXPIRED = "job.expired"


class JobWebhook(Descriptor):
    """Where to tell of the job's end, signed as Standard Webhooks are."""

    url: WebhookUrl
    events: Annotated[
        tuple[Annotated[JobEvent, Field(strict=False)], ...],
        Field(min_length=1, max_length=len(JobEvent), strict=False, fail_fast=True),
        AfterValidator(each_once),
    ] = Field(tuple(JobEvent), description="Which ends to tell of; unset means every one.")


class Stylization(Descriptor):
    """One content image to be painted in the manner of style images: all that a worker needs to know."""

    model_config = ConfigDict(json_schema_extra=_ONE_OF_STYLE_AND_STYLES)

    content: ImageSource
    styles: Styles | None = Field(None, description="Instead of `style`: a blend, by weight.")
    style: ImageSource | None = Field(None, validate_default=True)
    params: Params = Params()
    output: Output = Output()

    @field_validator("style")
    @classmethod
    def _style_or_styles(cls, style: ImageSource | None, others: ValidationInfo) -> ImageSource | None:
        if (style is None) == (others.data.get("styles") is None) and "styles" in others.data:
            raise PydanticCustomError("style", "A job has exactly one of the members 'style' and 'styles'")
        return style

    def weighted_styles(self) -> list[tuple[ImageSource, float]]:
        """The style images and their weights."""
        if self.style is not None:
            return [(self.style, 1.0)]
        return [(source, source.weight) for source in self.styles or ()]

    def sources(self) -> dict[str, ImageSource]:
        """All images, by their JSON pointers."""
        styles = {f"/styles/{index}": source for index, source in enumerate(self.styles or ())}
        style = {"/style": self.style} if self.style is not None else {}
        return {"/content": self.content, **style, **styles}


def _schema_of_lanes(schema: dict[str, Any]) -> None:
    """Says in JSON Schema what the validator of the lane does."""
    schema |= _ONE_OF_STYLE_AND_STYLES
    default = schema["properties"]["lane"]["default"]
    fast = {"properties": {"method": {"const": "fast"}}}
    optimized = {"properties": {"method": {"const": "optimize"}}, "required": ["method"]}
    schema["anyOf"] = [
        {"properties": {"lane": {"enum": list(FAST_LANES)}, "params": fast}},
        {
            "properties": {"lane": {"enum": [default, Lane.OPTIMIZE]}, "params": optimized},
            "required": ["params"],
        },
    ]


class JobRequest(Stylization):
    """A stylization, how to queue it, and the client's own notes on it."""

    model_config = ConfigDict(json_schema_extra=_schema_of_lanes)

    lane: Lane = Field(
        Lane.NORMAL,
        strict=False,
        validate_default=True,
        description="Jobs with the method 'optimize' wait in the lane of that name, and no others do.",
    )
    max_attempts: Annotated[int, Field(ge=1, le=20), Integral] | None = Field(
        None, description="Attempts before the job fails for good; unset means the service's default."
    )
    start_within: Annotated[int, Field(ge=1, le=604_800), Integral] | None = Field(
        None, description="Seconds; a job that has not started by then ends as expired."
    )
    custom_id: Label | None = Field(None, description="The client's own name for the job.")
    tags: Annotated[tuple[Label, ...], Field(max_length=MAX_TAGS, strict=False, fail_fast=True)] = ()
    metadata: Annotated[dict[Label, MetadataValue], Field(max_length=MAX_METADATA_MEMBERS)] = {}
    webhook: JobWebhook | None = None

    @field_validator("lane")
    @classmethod
    def _lane_of_the_method(cls, lane: Lane, others: ValidationInfo) -> Lane:
        params = others.data.get("params")
        if params is None:  # it is no good itself
            return lane
        optimizes = params.method == "optimize"
        if optimizes and lane in (Lane.OPTIMIZE, cls.model_fields["lane"].default):
            return Lane.OPTIMIZE
        if optimizes != (lane is Lane.OPTIMIZE):
            raise PydanticCustomError(
                "lane",
                "The lane 'optimize' is for jobs with the method 'optimize', and they wait in no other",
            )
        return lane


class UploadRequest(Descriptor):
    """Announces a file: the digest is its name, so a file that is there already is not sent again."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=1), Integral] = Field(description="Size of the file.")
    content_type: ContentType
