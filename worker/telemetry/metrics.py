"""The Prometheus metrics of a worker process."""

from __future__ import annotations

from functools import partial

from prometheus_client import Counter, Gauge, Histogram

from shared.telemetry.metrics import REGISTRY
from shared.wire.descriptors import Lane
from shared.wire.records import JobStatus

LOST = "lost"  # the outcome of a run whose job was not this worker's any more
STAGES = ("fetch", "decode", "style", "model", "optimize", "encode", "losses", "put")
ENDS = (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELED, JobStatus.QUEUED, LOST)

_histogram = partial(Histogram, registry=REGISTRY)
_counter = partial(Counter, registry=REGISTRY)
_gauge = partial(Gauge, registry=REGISTRY, multiprocess_mode="livesum")

MODEL_LOAD_SECONDS = _histogram(
    "stylequeue_model_load_seconds", "Time to load and warm the model.", buckets=(1, 3, 10, 30, 100, 300)
)
STYLE_CACHE = _counter("stylequeue_style_cache", "Lookups in the cache of styles, by hit or miss.", ["use"])
BATCH_SIZE = _histogram(
    "stylequeue_batch_pictures", "Pictures in one call of the model.", buckets=(1, 2, 4, 8, 16, 32)
)
JOB_RUNS = _counter(
    "stylequeue_job_runs", "Attempts at jobs, by the status of the job afterwards.", ["outcome"]
)
JOB_WAIT_SECONDS = _histogram(
    "stylequeue_job_wait_seconds",
    "Time from when a job was queued to its first start.",
    ["lane"],
    buckets=(0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3600, 14_400, 86_400),
)
STAGE_SECONDS = _histogram(
    "stylequeue_stage_seconds",
    "Time that a job spends in a stage.",
    ["stage"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
SLOTS = _gauge("stylequeue_host_slots", "Jobs that the processes of this host can hold.")
BUSY_SLOTS = _gauge("stylequeue_host_busy_slots", "Jobs that the processes of this host hold.")
SWEEP_SECONDS = _histogram(
    "stylequeue_sweep_seconds", "Time of one sweep.", buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)
)
RESENT = _counter(
    "stylequeue_messages_resent", "Messages that were sent again because they may have been lost.", ["lane"]
)
REMOVED = _counter(
    "stylequeue_retention_removed", "Records that were removed because of their age.", ["kind"]
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
