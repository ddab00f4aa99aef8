"""All metrics as text, in Prometheus' exposition format 0.0.4."""

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
    """What the processes that share this one's folder have counted, or this one alone, and what `others`
    find out just now.
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
