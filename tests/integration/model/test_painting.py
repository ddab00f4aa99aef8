"""Counts how often a job runs the model for its styles and its strokes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.settings import Settings
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from shared.wire.records import JobStatus
from tests.workers.runner_bench import RunnerBench


@pytest.fixture
def bench(store: JobStore, lanes: Lanes, redis_url: str, s3_settings: Settings) -> Iterator[RunnerBench]:
    bench = RunnerBench(store, lanes, s3_settings.model_copy(update={"redis_url": redis_url}))
    yield bench
    bench.decoders.close()
    bench.celery.close()


def test_a_wide_style_counts_from_end_to_end_and_each_crop_is_cached_by_itself(bench: RunnerBench) -> None:
    style = bench.upload("red", (96, 32))
    computed = []
    for crop in ("tiles", "center", "fit", "tiles"):
        job = bench.run(bench.submit(style=style, params={"style_crop": crop}))
        assert job.status is JobStatus.SUCCEEDED, job.error
        computed.append(bench.model.styles)
    assert computed == [3, 4, 5, 5]


def test_larger_strokes_take_a_pass_for_each_octave(bench: RunnerBench) -> None:
    content = bench.upload("teal", (200, 150))
    job = bench.run(bench.submit(content=content, params={"stroke_side": 64}))
    assert job.result is not None, job.error
    assert (job.result.width, job.result.height) == (200, 150)
    assert bench.model.calls == 3
