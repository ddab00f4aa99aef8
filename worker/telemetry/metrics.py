"""What a worker process counts (Prometheus)."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from shared.telemetry.metrics import REGISTRY
from shared.wire.descriptors import Lane
from shared.wire.records import JobStatus

LOST = "lost"  # the run's outcome where the job was not this worker's any more
STAGES = ("fetch", "decode", "style", "model", "optimize", "encode", "losses", "put")
ENDS = (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELED, JobStatus.QUEUED, LOST)

MODEL_LOAD_SECONDS = Histogram(
    "stylequeue_model_load_seconds",
    "Time to load and warm the model.",
    buckets=(1, 3, 10, 30, 100, 300),
    registry=REGISTRY,
)
STYLE_CACHE = Counter(
    "stylequeue_style_cache", "Uses of styles, by whether they were known.", ["use"], registry=REGISTRY
)
BATCH_SIZE = Histogram(
    "stylequeue_batch_pictures",
    "Pictures in one call of the model.",
    buckets=(1, 2, 4, 8, 16, 32),
    registry=REGISTRY,
)
JOB_RUNS = Counter(
    "stylequeue_job_runs", "Attempts at jobs, by what became of the job.", ["outcome"], registry=REGISTRY
)
JOB_WAIT_SECONDS = Histogram(
    "stylequeue_job_wait_seconds",
    "Time from when a job was queued to its first start.",
    ["lane"],
    buckets=(0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3600, 14_400, 86_400),
    registry=REGISTRY,
)
STAGE_SECONDS = Histogram(
    "stylequeue_stage_seconds",
    "Time that a job spends in a stage.",
    ["stage"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
    registry=REGISTRY,
)
SLOTS = Gauge(
    "stylequeue_host_slots",
    "Jobs that the processes of this host can hold.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
BUSY_SLOTS = Gauge(
    "stylequeue_host_busy_slots",
    "Jobs that the processes of this host hold.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
SWEEP_SECONDS = Histogram(
    "stylequeue_sweep_seconds",
    "Time of one sweep.",
    buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
    registry=REGISTRY,
)
RESENT = Counter(
    "stylequeue_messages_resent",
    "Messages that were sent again because they may have been lost.",
    ["lane"],
    registry=REGISTRY,
)
REMOVED = Counter(
    "stylequeue_retention_removed", "What was removed because of its age.", ["kind"], registry=REGISTRY
)


def _begin_at_zero() -> None:
    for use in ("hit", "miss"):
        STYLE_CACHE.labels(use)
    for outcome in ENDS:
        JOB_RUNS.labels(outcome)
    for stage in STAGES:
        STAGE_SECONDS.labels(stage)
    for lane in Lane:
        JOB_WAIT_SECONDS.labels(lane)
        RESENT.labels(lane)
    for kind in ("job", "batch"):
        REMOVED.labels(kind)


_begin_at_zero()
