"""Routes that monitoring requests all the time; they are logged at debug level and not traced."""

from __future__ import annotations

PROBES = frozenset({"operations.healthz", "operations.readyz", "operations.metrics"})
