"""What a worker counts (Prometheus)."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

MODEL_LOADS = Counter("stylequeue_model_loads_total", "Times this process loaded the model.")
STYLE_CACHE = Counter("stylequeue_style_cache_total", "Uses of styles, by whether they were known.", ["use"])
BATCH_SIZE = Histogram(
    "stylequeue_batch_pictures", "Pictures in one call of the model.", buckets=(1, 2, 4, 8, 16, 32)
)
JOBS = Counter("stylequeue_jobs_total", "Runs of jobs by how they ended.", ["outcome"])
STAGE_SECONDS = Histogram(
    "stylequeue_stage_seconds",
    "Time that a job spends in a stage.",
    ["stage"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
