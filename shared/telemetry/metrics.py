"""The registry of all metrics, and what both sides count (Prometheus).

Labels are words of the code, few and known: never an id, an owner or a URL. Where the words are known, their
series begin at zero, so that a rate sees the first error.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

REGISTRY = CollectorRegistry()

REDIS_ERRORS = Counter(
    "stylequeue_redis_errors",
    "Steps that Redis did not answer or refused.",
    ["operation"],
    registry=REGISTRY,
)
for operation in ("command", "publish"):  # the others are scripts, each by its name
    REDIS_ERRORS.labels(operation)
QUOTA_REFUSALS = Counter(
    "stylequeue_quota_refusals",
    "Requests that were refused because their owner has as much as it may, by what.",
    ["quota"],
    registry=REGISTRY,
)
S3_ERRORS = Counter(
    "stylequeue_s3_errors",
    "Requests that S3 did not answer, refused or answered in part, after botocore's own retries.",
    ["operation", "reason"],
    registry=REGISTRY,
)
