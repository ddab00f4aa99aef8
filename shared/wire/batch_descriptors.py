"""The requests for batches: many jobs in one request, in four forms of JSON and as NDJSON."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag, field_validator
from pydantic_core import PydanticCustomError

from shared.wire.base import MAX_URL, Descriptor, Url, WebhookUrl, each_once
from shared.wire.descriptors import MAX_METADATA_MEMBERS, JobRequest, Label, Lane, MetadataValue
from shared.wire.sources import ImageSource
from shared.wire.words import in_words

MAX_BATCH_STYLES = 1000
Strength = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Prefix = Annotated[
    str,
    StringConstraints(max_length=MAX_URL, pattern=r"^s3://[^\x00-\x20\x7f/]+/([^\x00-\x1f\x7f]*/)?$"),
    in_words("It must be s3://bucket/ or s3://bucket/prefix/, with a slash at its end"),
]
S3Url = Annotated[Url, StringConstraints(pattern=r"^s3://"), in_words("It must be s3://bucket/key")]


class BatchJob(JobRequest):
    """A job in a batch. Its default lane is `bulk`."""

    lane: Lane = Field(Lane.BULK, strict=False, validate_default=True)


class Matrix(Descriptor):
    """Combinations of contents, styles and strengths.

    `product` combines each with each, in this order; `zip` the first ones, the second ones, and so on.
    """

    contents: Annotated[tuple[ImageSource, ...], Field(min_length=1, strict=False, fail_fast=True)]
    styles: Annotated[tuple[ImageSource, ...], Field(min_length=1, strict=False, fail_fast=True)]
    strengths: Annotated[tuple[Strength, ...], Field(min_length=1, strict=False, fail_fast=True)] | None = (
        None
    )
    mode: Literal["product", "zip"] = "product"

    @field_validator("mode")
    @classmethod
    def _zip_pairs(cls, mode: str, others: Any) -> str:
        lists = [others.data.get(name) for name in ("contents", "styles", "strengths")]
        lengths = {len(each) for each in lists if each is not None}
        if mode == "zip" and len(lengths) > 1:
            raise PydanticCustomError("zip", "With mode 'zip' all lists must have the same length")
        return mode


class BatchEvent(StrEnum):
    """An event that a batch's webhook reports."""

    COMPLETED = "batch.completed"
    CANCELED = "batch.canceled"
    FAILED = "batch.failed"


class BatchWebhook(Descriptor):
    """The receiver of the batch's end, after its results are written. Signed as Standard Webhooks."""

    url: WebhookUrl
    events: Annotated[
        tuple[Annotated[BatchEvent, Field(strict=False)], ...],
        Field(min_length=1, max_length=len(BatchEvent), strict=False, fail_fast=True),
        AfterValidator(each_once),
    ] = Field(tuple(BatchEvent), description="The events to report; unset means all of them.")


class BatchOptions(Descriptor):
    """The members of all forms of a batch."""

    defaults: dict[str, Any] = Field(
        default_factory=dict,
        description="Members for all jobs that do not have them; `params`, `output` and `metadata` are "
        "merged member by member.",
    )
    metadata: Annotated[dict[Label, MetadataValue], Field(max_length=MAX_METADATA_MEMBERS)] = Field(
        default_factory=dict
    )
    webhook: BatchWebhook | None = None


class JobsBatch(BatchOptions):
    """A list of jobs. Each is validated alone, so a bad one does not reject the others."""

    jobs: Annotated[list[dict[str, Any]], Field(min_length=1, fail_fast=True)]


class MatrixBatch(BatchOptions):
    """Jobs as combinations."""

    matrix: Matrix


class InputUrlBatch(BatchOptions):
    """Jobs as NDJSON in an S3 object that the service may read."""

    input_url: S3Url


class PrefixBatch(BatchOptions):
    """A job for every image under a prefix, with every style.

    An image's key ends in .jpg, .jpeg, .jpe, .jif, .jfif, .mpo, .png, .apng, .webp, .heic, .heif, .hif,
    .avif, .tif, .tiff, .bmp or .gif, in upper or lower case. Other keys are counted in the batch's
    `skipped`.
    """

    content_prefix: Prefix
    styles: Annotated[
        tuple[ImageSource, ...],
        Field(min_length=1, max_length=MAX_BATCH_STYLES, strict=False, fail_fast=True),
    ]


JOBS_FORM, MATRIX_FORM, INPUT_FORM, PREFIX_FORM = "jobs form", "matrix form", "input form", "prefix form"
FORM_TAGS = {
    "jobs": JOBS_FORM,
    "matrix": MATRIX_FORM,
    "input_url": INPUT_FORM,
    "content_prefix": PREFIX_FORM,
}  # never a member's name


def _form_tag(value: Any) -> str | None:
    """Return the form of a request, by the first member that only this form has."""
    members = value if isinstance(value, dict) else getattr(type(value), "model_fields", {})
    return next((tag for member, tag in FORM_TAGS.items() if member in members), None)


BatchRequest = Annotated[
    Annotated[JobsBatch, Tag(JOBS_FORM)]
    | Annotated[MatrixBatch, Tag(MATRIX_FORM)]
    | Annotated[InputUrlBatch, Tag(INPUT_FORM)]
    | Annotated[PrefixBatch, Tag(PREFIX_FORM)],
    Discriminator(
        _form_tag,
        custom_error_type="batch_form",
        custom_error_message="A batch has exactly one of the members 'jobs', 'matrix', 'input_url' and "
        "'content_prefix'",
    ),
]


class LaneRequest(Descriptor):
    """The lane to which a batch's waiting jobs go."""

    lane: Lane = Field(description="`high`, `normal` or `bulk`.")


class RetryRequest(Descriptor):
    """The jobs of a batch to retry."""

    only: Literal["failed", "canceled", "expired", "all"] = Field(
        "failed", description="`all`: failed, canceled and expired jobs."
    )
    permanent: bool = Field(True, description="Also retry failed jobs whose error is not `retryable`.")
