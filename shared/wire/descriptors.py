"""The requests for single jobs. The API validates with these models and generates its OpenAPI page from them.

Limits that an operator can change (bytes, pixels) are checked where the settings are known.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from shared.policy.image_formats import ContentType
from shared.wire.base import Descriptor, Integral, Since, WebhookUrl, each_once, having
from shared.wire.params import Params
from shared.wire.sources import ImageSource, WeightedSource
from shared.wire.words import in_words

MAX_STYLES = 8
MAX_TAGS = 16
MAX_METADATA_MEMBERS = 16


class Lane(StrEnum):
    """A separate queue. Each worker serves the lanes that it was started for."""

    HIGH = "high"  # a person is waiting
    NORMAL = "normal"  # single jobs
    BULK = "bulk"  # folders and buckets
    OPTIMIZE = "optimize"  # jobs of the method of this name, which take minutes; separate workers serve it


FAST_LANES = (Lane.HIGH, Lane.NORMAL, Lane.BULK)


# So no step is "." or "..", and every file system accepts the name.
KEY_STEP = r"[A-Za-z0-9_][A-Za-z0-9_.()=@+,!-]{0,149}"
OutputKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, pattern=rf"^{KEY_STEP}(/{KEY_STEP})*$"),
    in_words(
        "It must be names with slashes between them. Each has up to 150 letters, digits and characters of "
        "_.()=@+,!- and begins with a letter, digit or _"
    ),
]
Bucket = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_.-]{3,255}$"),
    in_words("It must be a bucket's name: 3 to 255 letters, digits, dots, hyphens and underscores"),
]
EXTENSIONS = {"jpg": "jpeg", "jpeg": "jpeg", "png": "png", "webp": "webp"}


# A key needs a bucket; JSON Schema cannot read this off the two optional members.
_KEY_WITH_BUCKET: dict[str, Any] = {
    "if": having("key", {"type": "string"}),
    "then": having("bucket", {"type": "string"}),
}


# A JPEG file has no transparency; JSON Schema cannot read this off the two members.
_ALPHA_WITH_FORMAT: dict[str, Any] = {
    "if": having("alpha", {"const": "keep"}),
    "then": having("format", {"enum": ["png", "webp"]}),
}


class Output(Descriptor):
    """The file of the stylized image, and where it is written."""

    model_config = ConfigDict(json_schema_extra={"allOf": [_KEY_WITH_BUCKET, _ALPHA_WITH_FORMAT]})

    format: Literal["jpeg", "png", "webp"] = Field("jpeg", description="File format of the result.")
    quality: Annotated[int, Field(ge=1, le=100), Integral] = Field(
        92, description="Quality of a jpeg or webp file."
    )
    metadata: Annotated[Literal["none", "keep", "keep-all"], Since(6)] = Field(
        "none",
        description="'keep' writes camera, date, title, description, keywords, creator and copyright of the "
        "content image into the result, and that it was made from a photograph by an algorithm; 'keep-all' "
        "also the place (GPS).",
    )
    icc: Annotated[Literal["srgb", "keep"], Since(6)] = Field(
        "srgb",
        description="'keep' writes the result in the color profile of the content image, such as Display "
        "P3, if that is an RGB profile. The picture is painted in sRGB.",
    )
    alpha: Annotated[Literal["white", "keep"], Since(6)] = Field(
        "white",
        description="'keep' leaves transparent what is transparent in the content image, for png and webp; "
        "'white' paints it over white.",
    )
    bucket: Annotated[Bucket | None, Since(3)] = Field(
        None,
        description="Your own bucket, if the operator lets the service write to it; unset: the service's.",
    )
    key: Annotated[OutputKey | None, Since(3)] = Field(
        None,
        description="The picture's key in `bucket`. It must not end in another format's extension. If "
        "several jobs have the same key, the last one overwrites the others' pictures. Unset: the job's id "
        "and the format's extension.",
    )

    @field_validator("alpha")
    @classmethod
    def _alpha_in_the_format(cls, alpha: str, others: ValidationInfo) -> str:
        if alpha == "keep" and others.data.get("format") == "jpeg":
            raise PydanticCustomError("alpha", "A jpeg file has no transparency; 'keep' needs png or webp")
        return alpha

    @field_validator("key")
    @classmethod
    def _of_the_format(cls, key: str | None, others: ValidationInfo) -> str | None:
        extension, image_format = (key or "").rpartition(".")[2].lower(), others.data.get("format")
        if EXTENSIONS.get(extension, image_format) != image_format:
            message = "The key has the extension of another format than {format}"
            raise PydanticCustomError("key", message, {"format": image_format})
        return key


Label = Annotated[str, StringConstraints(min_length=1, max_length=128)]
MetadataValue = Annotated[str, StringConstraints(max_length=512)]


# A job has one of the two; JSON Schema cannot read this off optional members.
_ONE_OF_STYLE_AND_STYLES: dict[str, Any] = {
    "if": having("style", {"type": "object"}),
    "then": {"properties": {"styles": {"type": "null"}}},
    "else": having("styles", {"type": "array"}),
}


Styles = Annotated[
    tuple[WeightedSource, ...], Field(min_length=1, max_length=MAX_STYLES, strict=False, fail_fast=True)
]


class JobEvent(StrEnum):
    """An event that a job's webhook reports."""

    SUCCEEDED = "job.succeeded"
    FAILED = "job.failed"
    CANCELED = "job.canceled"
    EXPIRED = "job.expired"


class JobWebhook(Descriptor):
    """The receiver of the job's end. Requests are signed as Standard Webhooks specifies."""

    url: WebhookUrl
    events: Annotated[
        tuple[Annotated[JobEvent, Field(strict=False)], ...],
        Field(min_length=1, max_length=len(JobEvent), strict=False, fail_fast=True),
        AfterValidator(each_once),
    ] = Field(tuple(JobEvent), description="The events to report; unset means all of them.")


class Stylization(Descriptor):
    """One content image and the style images to paint it with: all that a worker needs to know."""

    model_config = ConfigDict(json_schema_extra=_ONE_OF_STYLE_AND_STYLES)

    content: ImageSource
    styles: Styles | None = Field(None, description="Several styles instead of `style`, blended by weight.")
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
        """Return the style images and their weights."""
        if self.style is not None:
            return [(self.style, 1.0)]
        return [(source, source.weight) for source in self.styles or ()]

    def sources(self) -> dict[str, ImageSource]:
        """Return all images by their JSON pointers."""
        styles = {f"/styles/{index}": source for index, source in enumerate(self.styles or ())}
        style = {"/style": self.style} if self.style is not None else {}
        return {"/content": self.content, **style, **styles}


def _schema_of_lanes(schema: dict[str, Any]) -> None:
    """Add to the JSON Schema what the validator of the lane checks."""
    default = schema["properties"]["lane"]["default"]
    lane_of_the_method = {
        "if": having("params", having("method", {"const": "optimize"})),
        "then": {"properties": {"lane": {"enum": [default, Lane.OPTIMIZE]}}},
        "else": {"properties": {"lane": {"enum": list(FAST_LANES)}}},
    }
    schema["allOf"] = [_ONE_OF_STYLE_AND_STYLES, lane_of_the_method]


class JobRequest(Stylization):
    """A stylization, how to queue it, and the client's own notes about it."""

    model_config = ConfigDict(json_schema_extra=_schema_of_lanes)

    lane: Lane = Field(
        Lane.NORMAL,
        strict=False,
        validate_default=True,
        description="Jobs with the method 'optimize' wait in the lane 'optimize', and only they do.",
    )
    max_attempts: Annotated[int, Field(ge=1, le=20), Integral] | None = Field(
        None, description="Attempts before the job fails; unset means the service's default."
    )
    start_within: Annotated[int, Field(ge=1, le=604_800), Integral] | None = Field(
        None, description="Seconds after which a job that has not started ends as expired."
    )
    custom_id: Label | None = Field(None, description="The client's own name for the job.")
    tags: Annotated[tuple[Label, ...], Field(max_length=MAX_TAGS, strict=False, fail_fast=True)] = ()
    metadata: Annotated[dict[Label, MetadataValue], Field(max_length=MAX_METADATA_MEMBERS)] = Field(
        default_factory=dict
    )
    webhook: JobWebhook | None = None

    @field_validator("lane")
    @classmethod
    def _lane_of_the_method(cls, lane: Lane, others: ValidationInfo) -> Lane:
        params = others.data.get("params")
        if params is None:  # `params` has its own error
            return lane
        optimizes = params.method == "optimize"
        if optimizes and lane in (Lane.OPTIMIZE, cls.model_fields["lane"].default):
            return Lane.OPTIMIZE
        if optimizes != (lane is Lane.OPTIMIZE):
            raise PydanticCustomError(
                "lane",
                "The lane 'optimize' is for jobs with the method 'optimize', which can use no other",
            )
        return lane


class UploadRequest(Descriptor):
    """Announces a file. Its digest is its name, so a file that is already stored is not sent again."""

    sha256: Annotated[
        str,
        StringConstraints(pattern=r"^[0-9a-f]{64}$"),
        in_words("It must be the file's SHA-256 digest: 64 digits and letters from a to f"),
    ]
    bytes: Annotated[int, Field(ge=1), Integral] = Field(description="Size of the file.")
    content_type: ContentType
