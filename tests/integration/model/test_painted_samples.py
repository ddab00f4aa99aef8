"""Parameters of jobs with the real model, for every pair of the sample pictures."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from samples import content_paths, style_paths
from shared.settings import Settings
from shared.store.jobs import JobStore
from shared.store.lanes import Lanes
from tests.files.pictures import decode
from tests.workers.runner_bench import RunnerBench
from worker.model.embedded_model import EMBEDDED
from worker.model.stylizer import Stylizer

STRENGTHS = (0, 0.25, 0.5, 0.75, 1)
SIDE = 128


@pytest.fixture(scope="module")
def stylizer(model_cache: Path) -> Stylizer:
    return Stylizer(EMBEDDED, model_cache)


@pytest.fixture
def bench(
    store: JobStore, lanes: Lanes, redis_url: str, s3_settings: Settings, stylizer: Stylizer
) -> Iterator[RunnerBench]:
    settings = s3_settings.model_copy(update={"redis_url": redis_url})
    bench = RunnerBench(store, lanes, settings, model=stylizer)
    yield bench
    bench.decoders.close()
    bench.celery.close()


@pytest.mark.parametrize("style", style_paths(), ids=lambda path: path.stem)
def test_the_distance_from_the_photograph_grows_from_nothing_with_strength(
    bench: RunnerBench, style: Path
) -> None:
    for content in content_paths():
        file = content.read_bytes()
        photograph = decode(file, SIDE).astype(int)
        sources = {"content": bench.upload_file(file), "style": bench.upload_file(style.read_bytes())}
        distances = []
        for strength in STRENGTHS:
            params = {"strength": strength, "max_side": SIDE}
            job = bench.run(bench.submit(**sources, params=params, output={"format": "png"}))
            assert job.result is not None, job.error
            picture = decode(bench.storage.get(job.result.key, max_bytes=10**6))
            distances.append(np.abs(picture - photograph))
        assert distances[0].max() <= 1
        assert all(more.mean() > less.mean() for less, more in pairwise(distances)), content.stem
