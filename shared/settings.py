"""Settings: one frozen object, read once from a mapping (usually the environment)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from shared.configuration.list_settings import BucketList, DelayList, HostList, LaneList, OutputBucketList
from shared.configuration.url_settings import HttpUrl, RedisUrlText
from shared.errors import SettingsError
from shared.wire.descriptors import FAST_LANES, Lane
from shared.wire.params import MAX_SIDE, MIN_SIDE

PREFIX = "STYLEQUEUE_"
# The `stylequeue` command reads these; they are not settings of the service.
CLIENT_VARIABLES = {"STYLEQUEUE_API", "STYLEQUEUE_API_KEY"}


class Settings(BaseModel):
    """The operator's settings. The variable of a field is STYLEQUEUE_ and the field's name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    redis_url: RedisUrlText = Field(
        "redis://127.0.0.1:6379/0",
        description="Redis for records, queue and heartbeats: redis://, rediss:// (TLS), unix:///PATH, or "
        "sentinel://:PASSWORD@HOST:PORT,HOST:PORT/0?master=NAME.",
    )
    redis_may_evict: bool = Field(
        False, description="Start even if Redis' maxmemory-policy is not noeviction and may throw jobs away."
    )
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
    s3_output_buckets: OutputBucketList = Field(
        (),
        description="Buckets to which jobs may have their pictures written, each as `bucket`, or as "
        "`owner:bucket` for one owner, separated by commas.",
    )
    presigned_url_seconds: int = Field(900, ge=10, le=604_800, description="Lifetime of a presigned URL.")

    model: str = Field("embedded", min_length=1, description="'embedded', a Hub URL, or a SavedModel's path.")
    cache_dir: Path = Field(
        Path("~/.cache/stylequeue").expanduser(),
        description="Folder in which the embedded model is built once.",
    )
    vgg: str = Field(
        "embedded",
        min_length=1,
        description="VGG network for losses and 'optimize': 'embedded', 'imagenet', or a file of weights.",
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Arithmetic of the model; auto: the fastest that the device has."
    )
    intra_op_threads: int = Field(0, ge=0, le=512, description="CPU threads of one model call; 0: all cores.")
    processes_per_host: int = Field(1, ge=1, le=512, description="Worker processes that share the memory.")
    engine_socket: Path | None = Field(
        None,
        description="Unix socket of the engine that paints for this process, which then loads no model. "
        "'stylequeue worker' and 'stylequeue up' set it.",
    )
    memory_budget_bytes: int = Field(
        0, ge=0, description="Memory for one model call; 0: a fair share of the free memory."
    )
    scratch_dir: Path | None = Field(
        None,
        description="Folder, on a disk, for what that memory does not hold; unset: the system's for files.",
    )
    scratch_bytes: int = Field(10_000_000_000, ge=0, description="Most bytes there for one picture.")
    style_cache_bytes: int = Field(64_000_000, ge=0, description="Memory for cached style parameters.")
    worker_threads: int = Field(4, ge=1, le=64, description="Jobs that a worker process works on.")
    worker_lanes: LaneList = Field(FAST_LANES, description="Lanes that a worker serves, separated by commas.")
    decode_timeout_seconds: float = Field(
        30, ge=0.1, le=600, description="Longest time to decode one image; then the worker ends the decoder."
    )
    job_timeout_seconds: float = Field(
        300,
        ge=1,
        le=86_400,
        description="Longest time of one attempt; above 16 megapixels it grows with them.",
    )
    optimize_max_side: int = Field(
        1024,
        ge=MIN_SIDE,
        le=MAX_SIDE,
        description="Longest side of a result with method 'optimize', in pixels.",
    )
    optimize_seconds: float = Field(
        1800,
        ge=1,
        le=86_400,
        description="Longest time of one minimization; then it ends with its best picture so far.",
    )
    optimize_target_seconds: float = Field(
        300, ge=1, le=86_400, description="Time in which a minimization without max_side should end."
    )
    stop_seconds: float = Field(
        30, ge=0, le=3600, description="Time after SIGTERM to finish jobs; the worker then releases the rest."
    )
    lease_seconds: float = Field(
        30, ge=1, le=3600, description="Silence of a worker after which its jobs run elsewhere."
    )
    sweep_seconds: float = Field(
        5, ge=0.1, le=300, description="Time between sweeps for silent workers and lost messages."
    )
    max_attempts: int = Field(3, ge=1, le=20, description="Most attempts of a job that names no number.")
    retention_seconds: int = Field(
        2_592_000, ge=0, description="Time after which an ended job is removed with its picture; 0: never."
    )
    upload_retention_seconds: int = Field(
        604_800,
        ge=0,
        description="Time after which an announced upload that no job names is removed; 0: never.",
    )
    dispatch_window: int = Field(
        64, ge=1, le=10_000, description="Most messages per lane in the broker at a time."
    )

    max_queued_per_owner: int = Field(100_000, ge=1, description="Most waiting jobs of one owner.")
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

    webhook_allowed_hosts: HostList = Field(
        (), description="Hosts (name or name:port) of webhooks that may be private or plain http."
    )
    webhook_timeout_seconds: float = Field(
        20, gt=0, le=60, description="Longest time of one attempt to deliver a webhook."
    )
    webhook_retry_seconds: DelayList = Field(
        (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400),
        description="Delays between attempts to deliver a webhook, separated by commas.",
    )
    max_webhook_deliveries: int = Field(
        10_000, ge=1, description="Most finished deliveries of one owner that the log keeps."
    )

    public_url: HttpUrl | None = Field(
        None,
        description="URL of the API as clients reach it through a proxy, with the path prefix that the proxy "
        "removes; unset: links use each request's Host.",
    )
    trusted_hosts: HostList = Field(
        (), description="Host names that requests may name, separated by commas; unset: any."
    )
    keepalive_seconds: int = Field(
        75,
        ge=1,
        le=3600,
        description="Time for which the API keeps an idle connection; must exceed the load balancer's.",
    )
    max_reads_per_minute: int = Field(
        60_000, ge=1, description="Most GETs of one API key in a minute; without keys, of one address."
    )
    max_writes_per_minute: int = Field(
        30_000,
        ge=1,
        description="Most other requests of one API key in a minute; without keys, of one address.",
    )
    max_connections_per_address: int = Field(
        5000,
        ge=1,
        description="Most open connections of one address to an API process; a proxy counts as one address.",
    )
    max_wait_seconds: int = Field(60, ge=0, le=60, description="Longest time that ?wait= holds a request.")
    max_waiting_requests: int = Field(
        8, ge=1, description="Most ?wait= requests and event streams that an API process holds at a time."
    )
    worker_seen_seconds: float = Field(15, ge=1, description="Silence after which a worker counts as gone.")
    scale_target_seconds: float = Field(
        60,
        ge=1,
        le=86_400,
        description="Time in which a scaled fleet should finish all waiting and running jobs.",
    )
    scale_min_workers: int = Field(
        1, ge=0, le=10_000, description="Fewest workers that the service asks an autoscaler for."
    )
    scale_max_workers: int = Field(
        10, ge=1, le=10_000, description="Most workers that the service asks an autoscaler for."
    )
    metrics_port: int = Field(
        0,
        ge=0,
        le=65_535,
        description="Port on which `stylequeue worker` and `up` serve their workers' metrics; 0: none.",
    )
    metrics_host: str = Field(
        "127.0.0.1", min_length=1, description="Address of that port; 0.0.0.0: all addresses of the host."
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="Form of log lines, for people or programs."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lowest level that is logged; libraries log warnings and errors only."
    )
    access_log: Literal["all", "writes", "off"] = Field(
        "writes", description="Requests that the API logs; writes: all but successful GETs."
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
        """The jobs that a worker process works on at a time.

        A worker for the optimize lane alone holds one, because each minimization uses all cores.
        """
        return 1 if self.worker_lanes == (Lane.OPTIMIZE,) else self.worker_threads

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read every STYLEQUEUE_ variable; an empty one counts as unset.

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
        """Return the variables that give another process the same settings."""
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
    """Read the settings of this process; if one is malformed, exit with a sentence instead of a traceback."""
    try:
        return Settings.from_environment(environment)
    except SettingsError as error:
        raise SystemExit(f"stylequeue: {error.detail}") from None
