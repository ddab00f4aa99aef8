"""Settings: one frozen object, read once from a mapping (usually the environment)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from shared.configuration.list_settings import BucketList, DelayList, HostList, LaneList, OutputBucketList
from shared.configuration.url_settings import HttpUrl, RedisUrlText
from shared.errors import SettingsError
from shared.wire.descriptors import FAST_LANES, MAX_SIDE, MIN_SIDE, Lane

PREFIX = "STYLEQUEUE_"
# Read by the `stylequeue` command; no settings of the service.
CLIENT_VARIABLES = {"STYLEQUEUE_API", "STYLEQUEUE_API_KEY"}


class Settings(BaseModel):
    """What an operator may set; the variable of a field is STYLEQUEUE_ and the field's name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    redis_url: RedisUrlText = Field(
        "redis://127.0.0.1:6379/0",
        description="Redis: records, queue, heartbeats. With TLS rediss://, a socket unix:///PATH, behind "
        "Sentinel sentinel://:PASSWORD@HOST:PORT,HOST:PORT/0?master=NAME.",
    )
    redis_may_evict: bool = Field(
        False, description="Start though Redis' maxmemory-policy may throw jobs away (not noeviction)."
    )
    s3_endpoint_url: HttpUrl | None = Field(None, description="S3 endpoint; unset means Amazon S3.")
    s3_public_endpoint_url: HttpUrl | None = Field(
        None, description="S3 endpoint as clients reach it, for presigned URLs; unset means the same."
    )
    s3_region: str = Field("us-east-1", description="S3 region.")
    s3_bucket: str = Field("stylequeue", min_length=3, description="Bucket for uploads and results.")
    s3_access_key: SecretStr | None = Field(None, description="S3 key id; unset: botocore's own chain.")
    s3_secret_key: SecretStr | None = Field(None, description="S3 secret; unset: botocore's own chain.")
    s3_session_token: SecretStr | None = Field(
        None, description="Session token that belongs to the two, of temporary credentials."
    )
    s3_addressing: Literal["auto", "path", "virtual"] = Field(
        "auto",
        description="Bucket in the URL's path or in the host's name; auto: path where an endpoint is set.",
    )
    s3_sse: Literal["none", "AES256", "aws:kms"] = Field(
        "none", description="Encryption by the S3 server, asked for with every object."
    )
    s3_sse_kms_key_id: str | None = Field(
        None, description="Key for aws:kms; unset: the one that the S3 server takes by itself."
    )
    s3_upload_checksum: Literal["sha256", "none"] = Field(
        "sha256",
        description="What S3 checks of an uploaded file; none for servers that refuse x-amz-checksum-sha256.",
    )
    s3_source_buckets: BucketList = Field(
        (), description="Other buckets that jobs may name in s3:// sources, separated by commas."
    )
    s3_output_buckets: OutputBucketList = Field(
        (),
        description="Buckets that jobs may have their pictures written to, each as `bucket`, or as "
        "`owner:bucket` for one owner, separated by commas.",
    )
    presigned_url_seconds: int = Field(900, ge=10, le=604_800, description="Life of a presigned URL.")

    model: str = Field("embedded", min_length=1, description="'embedded', a Hub URL, or a SavedModel's path.")
    cache_dir: Path = Field(
        Path("~/.cache/stylequeue").expanduser(), description="Where the embedded model is built once."
    )
    vgg: str = Field(
        "embedded",
        min_length=1,
        description="VGG network for losses and 'optimize': 'embedded', 'imagenet', or a file of weights.",
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Arithmetic of the model; auto takes the fastest that the device has."
    )
    intra_op_threads: int = Field(0, ge=0, le=512, description="CPU threads of one model call; 0: all cores.")
    processes_per_host: int = Field(1, ge=1, le=512, description="Worker processes that share the memory.")
    memory_budget_bytes: int = Field(
        0, ge=0, description="Memory for one model call; 0: a fair share of what is free at the start."
    )
    style_cache_bytes: int = Field(64_000_000, ge=0, description="Memory for the parameters of known styles.")
    worker_threads: int = Field(4, ge=1, le=64, description="Jobs that one worker process holds at a time.")
    worker_lanes: LaneList = Field(FAST_LANES, description="Lanes that a worker serves, separated by commas.")
    decode_timeout_seconds: float = Field(
        30, ge=0.1, le=600, description="Time to decode one image; then its decoder is ended."
    )
    job_timeout_seconds: float = Field(
        300, ge=1, le=86_400, description="Time for one attempt of a job; then the worker gives it up."
    )
    optimize_max_side: int = Field(
        1024,
        ge=MIN_SIDE,
        le=MAX_SIDE,
        description="Longest side of a picture with method 'optimize', in pixels.",
    )
    optimize_seconds: float = Field(
        1800,
        ge=1,
        le=86_400,
        description="Time for one minimization; then it ends with its best picture so far.",
    )
    stop_seconds: float = Field(
        30, ge=0, le=3600, description="Time to finish jobs in hand at SIGTERM; the rest is given back."
    )
    lease_seconds: float = Field(30, ge=1, le=3600, description="Then a silent worker's jobs run elsewhere.")
    sweep_seconds: float = Field(5, ge=0.1, le=300, description="How often workers look for what was left.")
    max_attempts: int = Field(3, ge=1, le=20, description="Attempts of a job that does not say otherwise.")
    retention_seconds: int = Field(
        2_592_000, ge=0, description="Then a job that ended is removed with its picture; 0: never."
    )
    upload_retention_seconds: int = Field(
        604_800,
        ge=0,
        description="Then an upload that no job names is removed, counted from its announcement; 0: never.",
    )
    dispatch_window: int = Field(
        64, ge=1, le=10_000, description="Messages per lane in the broker at a time."
    )

    max_queued_per_owner: int = Field(100_000, ge=1, description="Jobs of one owner that may wait at a time.")
    max_queued: int = Field(1_000_000, ge=1, description="Jobs that may wait at a time, of all owners.")
    max_records_per_owner: int = Field(
        1_000_000, ge=1, description="Jobs and batches of one owner that are kept at a time, ended ones too."
    )
    max_stored_bytes_per_owner: int = Field(
        1_000_000_000_000, ge=1, description="Bytes of one owner's results and announced uploads."
    )
    max_pending_webhooks: int = Field(
        100_000, ge=1, description="Webhooks of one owner that are still to be delivered."
    )
    max_announced_uploads: int = Field(
        200_000, ge=1, description="Uploads that one owner announced and no job has named."
    )
    max_idempotency_keys: int = Field(1_000_000, ge=1, description="Idempotency-Keys of one owner in a day.")
    max_redis_percent: int = Field(
        80, ge=1, le=100, description="Percentage of Redis' maxmemory from which on nothing new is taken."
    )
    max_batch_jobs: int = Field(50_000, ge=1, le=1_000_000, description="Most jobs in one batch.")
    max_batch_bytes: int = Field(
        200_000_000, ge=1024, description="Largest NDJSON input of a batch, in bytes."
    )
    max_batch_json_bytes: int = Field(
        25_000_000, ge=1024, description="Largest JSON body of a batch, in bytes; it is held in memory."
    )
    max_upload_bytes: int = Field(25_000_000, ge=1024, description="Largest image file, in bytes.")
    max_data_uri_bytes: int = Field(256_000, ge=1024, description="Largest image in a data: URI, in bytes.")
    max_pixels: int = Field(40_000_000, ge=4096, description="Most pixels of an image, before scaling.")
    max_image_side: int = Field(16_384, ge=256, description="Longest side of an image, before scaling.")
    min_image_side: int = Field(16, ge=4, description="Shortest side of an image.")
    max_aspect_ratio: float = Field(20, ge=1, description="Longest side over shortest side.")
    source_timeout_seconds: float = Field(20, gt=0, le=600, description="Time to fetch one https:// image.")
    source_allowed_hosts: HostList = Field(
        (),
        description="Hosts (name or name:port) that may be private or plain http, separated by commas.",
    )

    webhook_allowed_hosts: HostList = Field(
        (),
        description="Hosts (name or name:port) that webhooks may be sent to though they are private or plain "
        "http, separated by commas.",
    )
    webhook_timeout_seconds: float = Field(
        20, gt=0, le=60, description="Time for one attempt to deliver a webhook."
    )
    webhook_retry_seconds: DelayList = Field(
        (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400),
        description="Delays before further attempts to deliver a webhook, separated by commas.",
    )
    max_webhook_deliveries: int = Field(
        10_000, ge=1, description="Deliveries of one owner that have ended and are kept in the log."
    )

    public_url: HttpUrl | None = Field(
        None,
        description="URL of the API as clients reach it through a proxy, with the path prefix that the proxy "
        "removes; unset: links are made of each request's Host.",
    )
    trusted_hosts: HostList = Field(
        (), description="Host names that requests may be sent to, separated by commas; none named: any."
    )
    keepalive_seconds: int = Field(
        75,
        ge=1,
        le=3600,
        description="Time that the API keeps an idle connection; must exceed the load balancer's.",
    )
    max_reads_per_minute: int = Field(
        60_000, ge=1, description="GETs of one API key a minute; without keys, of one address."
    )
    max_writes_per_minute: int = Field(
        30_000, ge=1, description="Other requests of one API key a minute; without keys, of one address."
    )
    max_connections_per_address: int = Field(
        5000,
        ge=1,
        description="Open connections of one address to an API process; behind a proxy, all of the proxy's.",
    )
    max_wait_seconds: int = Field(60, ge=0, le=60, description="Longest time that a ?wait= request is held.")
    max_waiting_requests: int = Field(
        8, ge=1, description="?wait= requests that an API process holds at a time."
    )
    worker_seen_seconds: float = Field(15, ge=1, description="A worker silent for longer counts as gone.")
    scale_target_seconds: float = Field(
        60, ge=1, le=86_400, description="Time in which all waiting and running jobs are to be done."
    )
    scale_min_workers: int = Field(
        1, ge=0, le=10_000, description="Fewest workers that an autoscaler is told to have."
    )
    scale_max_workers: int = Field(
        10, ge=1, le=10_000, description="Most workers that an autoscaler is told to have."
    )
    metrics_port: int = Field(
        0,
        ge=0,
        le=65_535,
        description="Where `stylequeue worker` and `up` serve their workers' metrics; 0: nowhere.",
    )
    metrics_host: str = Field(
        "127.0.0.1", min_length=1, description="Address of that port; 0.0.0.0 is all of the host's."
    )
    log_format: Literal["console", "json"] = Field("console", description="Log for a person or a program.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least that is logged; of libraries, warnings at the least."
    )
    access_log: Literal["all", "writes", "off"] = Field(
        "writes", description="Requests that the API logs; writes: all but GETs that went well."
    )

    @field_validator("s3_output_buckets")
    @classmethod
    def _not_its_own(cls, entries: tuple[str, ...], others: ValidationInfo) -> tuple[str, ...]:
        own = others.data.get("s3_bucket")
        if own in {entry.rpartition(":")[2] for entry in entries}:
            raise PydanticCustomError("own", "'{own}' is the service's own bucket", {"own": own})
        return entries

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
            raise PydanticCustomError("kms", "it needs {name}=aws:kms", {"name": f"{PREFIX}S3_SSE"})
        return key_id

    @property
    def slots(self) -> int:
        """Jobs that a worker process holds at a time: minimizations one by one, as each takes all cores."""
        return 1 if self.worker_lanes == (Lane.OPTIMIZE,) else self.worker_threads

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Reads every STYLEQUEUE_ variable; an empty one counts as unset.

        Raises:
            SettingsError: a variable is unknown or malformed; the message names each one.
        """
        given = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in environment.items()
            if name.startswith(PREFIX) and name not in CLIENT_VARIABLES and value
        }
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise SettingsError(_explain(error)) from None

    def to_environment(self) -> dict[str, str]:
        """The variables that give these settings again in another process."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {PREFIX + name.upper(): _as_text(value) for name, value in values.items() if value is not None}


def _as_text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _explain(error: ValidationError) -> str:
    lines = [
        f"{PREFIX}{str(problem['loc'][0]).upper()}: "
        + ("no such setting" if problem["type"] == "extra_forbidden" else problem["msg"])
        for problem in error.errors(include_input=False, include_url=False)
    ]
    return "; ".join(lines)


def settings_or_exit(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of this process; a malformed one ends it with a sentence and not with a traceback."""
    try:
        return Settings.from_environment(environment)
    except SettingsError as error:
        raise SystemExit(f"stylequeue: {error.detail}") from None
