from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from shared.errors import LeaseLost
from tests.stacks.servers import wait_until
from worker.images.arrays import Picture, StyleParameters
from worker.model.bands.limits import BandLimits, Bands, PictureRows, Scratch
from worker.model.batched_model import BatchedModel


class Negative:
    """Paints the negative; a call takes 10 bytes for each pixel."""

    handle, digest, device, can_blend = "negative", "abc", "cpu", True
    pixel_budget, bytes_per_pixel = 10**9, 10
    bands: Bands | None = None

    def style_parameters(self, style: Picture) -> StyleParameters:
        return style.mean((0, 1))

    def group(self, height: int, width: int) -> tuple[int, int]:
        return height, width

    def paint(self, contents: Sequence[Picture], _: Sequence[StyleParameters]) -> Sequence[Picture]:
        return [255 - content for content in contents]


def test_it_shows_the_facts_of_its_model_and_the_largest_picture_that_fits() -> None:
    model = BatchedModel(Negative(), 1000)
    assert (model.handle, model.digest, model.device, model.can_blend) == ("negative", "abc", "cpu", True)
    assert model.max_pixels == 100
    assert model.waiting == 0


def test_it_paints_one_picture() -> None:
    content = np.full((4, 6, 3), 200, np.uint8)
    assert (BatchedModel(Negative(), 10**6).paint(content, np.zeros(3)) == 55).all()


class RowByRow:
    """Paints the negative one row a band, each when it is told to."""

    at_once_pixels, stored_bytes_per_pixel = 1000, 2.0

    def __init__(self) -> None:
        self.begun = self.ended = 0  # pictures
        self.go = threading.Semaphore(0)

    def steps(self, rows: PictureRows, _: StyleParameters, limits: BandLimits) -> Generator[float]:
        self.begun += 1
        self.limits = limits
        try:
            for row in range(rows.height):
                assert self.go.acquire(timeout=10)
                rows.write(row, 255 - rows.read(row, row + 1))
                yield (row + 1) / rows.height
        finally:
            self.ended += 1


class Patient(Negative):
    def __init__(self) -> None:
        self.bands = RowByRow()


LARGE, SMALL = np.full((20, 100, 3), 200, np.uint8), np.full((4, 6, 3), 100, np.uint8)
STYLE = np.zeros(3)


def test_a_large_picture_is_painted_in_bands_within_the_memory_and_the_files_that_it_may_use() -> None:
    model = Patient()
    batched = BatchedModel(model, 400_000, scratch=Scratch(most_bytes=10**6))
    model.bands.go.release(100)
    seen: list[float] = []
    assert (batched.paint(LARGE, STYLE, seen.append) == 55).all()
    assert seen == [(row + 1) / 20 for row in range(20)]
    assert model.bands.limits.band_pixels * model.bytes_per_pixel + model.bands.limits.memory_bytes == 400_000
    assert batched.max_pixels == (model.bands.limits.memory_bytes + 10**6) / 2
    assert (batched.paint(SMALL, STYLE) == 155).all()
    assert model.bands.begun == 1


def test_a_small_picture_is_painted_between_the_bands_of_a_large_one() -> None:
    model = Patient()
    batched, bands = BatchedModel(model, 10**6), model.bands
    order = list[str]()
    with ThreadPoolExecutor(2) as threads:
        large = threads.submit(batched.paint, LARGE, STYLE, lambda done: order.append(f"{done:.2f}"))
        bands.go.release()
        wait_until(lambda: order == ["0.05"])
        small = threads.submit(batched.paint, SMALL, STYLE)
        small.add_done_callback(lambda _: order.append("small"))
        wait_until(lambda: batched.waiting)
        bands.go.release()  # the band that holds the call
        assert (small.result(10) == 155).all()
        assert not large.done()
        bands.go.release(20)
        assert (large.result(10) == 55).all()
    assert order.index("small") <= 3


def test_a_picture_whose_job_is_given_up_ends_after_a_band_and_frees_its_place() -> None:
    model = Patient()
    batched, bands = BatchedModel(model, 10**6), model.bands
    bands.go.release(100)

    def give_up(done: float) -> None:
        if done > 0.4:
            raise LeaseLost("canceled")

    with pytest.raises(LeaseLost):
        batched.paint(LARGE, STYLE, give_up)
    assert bands.ended == 1
    assert (batched.paint(LARGE, STYLE) == 55).all()


def test_a_large_picture_that_waits_for_another_one_shows_that_it_lives() -> None:
    model = Patient()
    batched, bands = BatchedModel(model, 10**6), model.bands
    seen: list[float] = []
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(batched.paint, LARGE, STYLE)
        wait_until(lambda: bands.begun == 1)
        second = threads.submit(batched.paint, LARGE, STYLE, seen.append)
        wait_until(lambda: seen, seconds=10)
        assert seen[0] == 0
        assert bands.begun == 1
        bands.go.release(40)
        first.result(10)
        second.result(10)
