"""The settings of the S3 storage: endpoint, bucket, credentials, encryption, buckets of others."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from shared.configuration.list_settings import BucketList, OutputBucketList
from shared.configuration.url_settings import HttpUrl


class S3Settings(BaseModel):
    """The S3 bucket of the service, its credentials, and the buckets of others."""

    s3_endpoint_url: HttpUrl | None = Field(
        None, description="S3 endpoint; unset: Amazon S3, whatever AWS_ENDPOINT_URL says."
    )
    s3_public_endpoint_url: HttpUrl | None = Field(
        None, description="S3 endpoint as clients reach it, for presigned URLs; unset: the endpoint above."
    )
    s3_region: str = Field("us-east-1", description="S3 region.")
    s3_bucket: str = Field("stylequeue", min_length=3, description="Bucket for uploads and results.")
    s3_access_key: SecretStr | None = Field(None, description="S3 access key; unset: botocore's own chain.")
    s3_secret_key: SecretStr | None = Field(None, description="S3 secret key; unset: botocore's own chain.")
    s3_session_token: SecretStr | None = Field(
        None, description="Session token of these two keys, if they are temporary."
    )
    s3_addressing: Literal["auto", "path", "virtual"] = Field(
        "auto", description="Place of the bucket in URLs; auto: in the path if an endpoint is set."
    )
    s3_sse: Literal["none", "AES256", "aws:kms"] = Field(
        "none", description="Server-side encryption that the service asks for with every object."
    )
    s3_sse_kms_key_id: str | None = Field(
        None, description="Key for aws:kms; unset: the S3 server's default key."
    )
    s3_upload_checksum: Literal["sha256", "none"] = Field(
        "sha256",
        description="Digest by which S3 checks uploads; none for servers that refuse x-amz-checksum-sha256.",
    )
    s3_source_buckets: BucketList = Field(
        (), description="Other buckets that s3:// sources of jobs may name, separated by commas."
    )
    s3_requester_pays_buckets: BucketList = Field(
        (),
        description="Source buckets for whose reads the service agrees to pay.",
    )
    s3_output_buckets: OutputBucketList = Field(
        (),
        description="Buckets to which jobs may have their pictures written, each as `bucket`, or as "
        "`owner:bucket` for one owner, separated by commas.",
    )
    presigned_url_seconds: int = Field(900, ge=10, le=604_800, description="Lifetime of a presigned URL.")

    @field_validator("s3_output_buckets")
    @classmethod
    def _not_its_own(cls, entries: tuple[str, ...], others: ValidationInfo) -> tuple[str, ...]:
        own = others.data.get("s3_bucket")
        if own in {entry.rpartition(":")[2] for entry in entries}:
            raise PydanticCustomError("own", "'{own}' is the service's own bucket", {"own": own})
        return entries

    @field_validator("s3_requester_pays_buckets")
    @classmethod
    def _some_of_the_sources(cls, buckets: tuple[str, ...], others: ValidationInfo) -> tuple[str, ...]:
        if missing := set(buckets).difference(others.data.get("s3_source_buckets", ())):
            names = ", ".join(sorted(missing))
            raise PydanticCustomError(
                "payer", "STYLEQUEUE_S3_SOURCE_BUCKETS does not list {names}", {"names": names}
            )
        return buckets

    @field_validator("s3_session_token")
    @classmethod
    def _token_of_keys(cls, token: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        if token and not (others.data.get("s3_access_key") and others.data.get("s3_secret_key")):
            raise PydanticCustomError("token", "it belongs to S3_ACCESS_KEY and S3_SECRET_KEY; set all three")
        return token

    @field_validator("s3_sse_kms_key_id")
    @classmethod
    def _key_of_kms(cls, key_id: str | None, others: ValidationInfo) -> str | None:
        if key_id and others.data.get("s3_sse") != "aws:kms":
            raise PydanticCustomError("kms", "it needs STYLEQUEUE_S3_SSE=aws:kms")
        return key_id
