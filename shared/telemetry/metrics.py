"""The registry of all Prometheus metrics, and the counters that the API and the workers share.

The values of a label are a small, fixed set of words, never an id, an owner or a URL. Where the words are
known at start, their series begin at zero, so that a rate includes the first error.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

REGISTRY = CollectorRegistry()

REDIS_ERRORS = Counter(
    "stylequeue_redis_errors",
    "Operations that Redis refused or did not answer.",
    ["operation"],
    registry=REGISTRY,
)
for operation in ("command", "publish"):  # all other operations are names of scripts
    REDIS_ERRORS.labels(operation)
QUOTA_REFUSALS = Counter(
    "stylequeue_quota_refusals",
    "Requests that were refused because their owner had reached a quota, by quota.",
    ["quota"],
    registry=REGISTRY,
)
S3_ERRORS = Counter(
    "stylequeue_s3_errors",
    "Requests that failed or only partly succeeded in S3, after botocore's own retries.",
    ["operation", "reason"],
    registry=REGISTRY,
)
