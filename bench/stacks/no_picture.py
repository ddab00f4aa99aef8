"""The result of a job that painted nothing."""

from __future__ import annotations

from shared.wire.records import JobResult

RESULT = JobResult(
    key="results/none",
    width=1,
    height=1,
    bytes=1,
    sha256="0" * 64,
    content_type="image/jpeg",
    model="none",
    device="none",
    style_cache="hit",
    timings_ms={},
)
