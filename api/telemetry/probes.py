"""Requests that machines make all the time, to see whether and how the service is."""

from __future__ import annotations

PROBES = frozenset({"operations.healthz", "operations.readyz", "operations.metrics"})
