"""All metrics as text in Prometheus' exposition format 0.0.4."""

from __future__ import annotations

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from shared.telemetry.metrics import REGISTRY
from shared.telemetry.metrics_files import MetricsFiles
from shared.telemetry.metrics_folder import VARIABLE

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def scrape(*others: Collector) -> bytes:
    """Return the counts of all processes that share this one's metrics folder, with the metrics of `others`.

    Without a metrics folder, only the counts of this process are included.
    """
    return generate_latest(registry_of(_counted(), *others))


def registry_of(*collectors: Collector) -> CollectorRegistry:
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    return registry


def _counted() -> Collector:
    folder = os.environ.get(VARIABLE)
    return MetricsFiles(Path(folder)) if folder else REGISTRY
