"""The settings that limit what clients may send and keep: jobs, bytes, pictures."""

from __future__ import annotations

from pydantic import BaseModel, Field

from shared.configuration.list_settings import HostList


class LimitSettings(BaseModel):
    """The limits of owners, of the whole queue, of batches, and of pictures and their sources."""

    max_queued_per_owner: int = Field(
        100_000, ge=1, description="Most waiting jobs of one owner. Operators may set another for an owner."
    )
    max_running_per_owner: int = Field(
        0,
        ge=0,
        description="Most running jobs of one owner, in all lanes together; 0: any number. The others wait. "
        "Operators may set another limit for an owner.",
    )
    max_queued: int = Field(1_000_000, ge=1, description="Most waiting jobs of all owners together.")
    max_records_per_owner: int = Field(
        1_000_000, ge=1, description="Most jobs and batches kept for one owner, ended ones included."
    )
    max_record_bytes_per_owner: int = Field(
        600_000_000,
        ge=1,
        description="Most bytes of Redis for one owner's jobs and batches. Raise it with Redis' maxmemory.",
    )
    max_stored_bytes_per_owner: int = Field(
        1_000_000_000_000, ge=1, description="Most bytes of one owner's results and announced uploads."
    )
    max_pending_webhooks: int = Field(
        100_000, ge=1, description="Most webhooks of one owner that wait for delivery."
    )
    max_announced_uploads: int = Field(
        200_000, ge=1, description="Most uploads that one owner has announced and no job has named."
    )
    max_idempotency_keys: int = Field(
        1_000_000, ge=1, description="Most Idempotency-Keys of an owner in a day."
    )
    max_redis_percent: int = Field(
        80,
        ge=1,
        le=100,
        description="Percentage of Redis' maxmemory above which the API accepts nothing new.",
    )
    max_batch_jobs: int = Field(50_000, ge=1, le=1_000_000, description="Most jobs in one batch.")
    max_batch_bytes: int = Field(
        200_000_000, ge=1024, description="Largest NDJSON input of a batch, in bytes."
    )
    max_batch_json_bytes: int = Field(
        25_000_000, ge=1024, description="Largest JSON body of a batch, in bytes; the API holds it in memory."
    )
    max_upload_bytes: int = Field(100_000_000, ge=1024, description="Largest image file, in bytes.")
    max_data_uri_bytes: int = Field(256_000, ge=1024, description="Largest image in a data: URI, in bytes.")
    max_pixels: int = Field(
        200_000_000, ge=4096, description="Most pixels that are decoded; a JPEG may be decoded scaled down."
    )
    max_image_side: int = Field(16_384, ge=256, description="Longest side of an image before scaling.")
    min_image_side: int = Field(16, ge=4, description="Shortest side of an image before scaling.")
    max_aspect_ratio: float = Field(20, ge=1, description="Largest ratio of an image's sides.")
    source_timeout_seconds: float = Field(
        20, gt=0, le=600, description="Longest time to fetch an https:// image."
    )
    source_allowed_hosts: HostList = Field(
        (), description="Hosts (name or name:port) of sources that may be private or plain http."
    )
