"""Settings: one frozen object, read once from a mapping (usually the environment)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import ConfigDict, Field, SecretStr, ValidationError

from shared.configuration.limit_settings import LimitSettings
from shared.configuration.list_settings import DelayList, HostList, LaneList
from shared.configuration.s3_settings import S3Settings
from shared.configuration.url_settings import HttpUrl, RedisUrlText
from shared.errors import SettingsError
from shared.wire.descriptors import FAST_LANES, Lane
from shared.wire.params import MAX_SIDE, MIN_SIDE

PREFIX = "STYLEQUEUE_"
# The `stylequeue` command reads these; they are not settings of the service.
CLIENT_VARIABLES = {"STYLEQUEUE_API", "STYLEQUEUE_API_KEY"}


class Settings(LimitSettings, S3Settings):
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
    thumbnails: bool = Field(
        True, description="Store a small JPEG beside each result of more than 640 pixels, for galleries."
    )
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
        8,
        ge=1,
        description="Most ?wait= requests, event streams and ZIPs that an API process holds at a time.",
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
