"""Stored rows come back as they were written, from memory and from files."""

from __future__ import annotations

import resource
import signal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from shared.errors import OutOfMemory
from worker.model.bands.store import InFile, InMemory, Stores
from worker.model.bands.values import Band, Layer, Recipe

RANDOM = np.random.default_rng(2)


def layer(height: int) -> Layer:
    return Layer(height, 7, 5, lambda band: Recipe((band,), 0, lambda bands, _: bands[0]))


@pytest.mark.parametrize("memory_bytes", [0, 10**9])
@pytest.mark.parametrize("half", [True, False])
def test_any_rows_come_back_as_they_were_written_in_bands_of_any_height(
    memory_bytes: int, half: bool, tmp_path: Path
) -> None:
    stores = Stores(memory_bytes, tmp_path, half=half)
    for height in RANDOM.integers(1, 60, 20):
        one = layer(int(height))
        values = RANDOM.random((1, one.height, 7, 5)).astype(stores.kind)
        stores.add(one)
        borders = np.unique([0, one.height, *RANDOM.integers(0, one.height, 4)])
        for first, end in pairwise(borders):
            stores[one].write(values[:, first:end])
        for _ in range(10):
            first, end = np.sort(RANDOM.choice(one.height + 1, 2, replace=False)).tolist()
            assert np.array_equal(stores[one].read(Band(first, end)), values[:, first:end])
        stores.drop(one)
    assert not list(tmp_path.iterdir()), "files have no names"


def test_layers_that_the_memory_does_not_hold_go_into_files_until_there_is_room_again(tmp_path: Path) -> None:
    first, second, third = layer(10), layer(10), layer(10)
    stores = Stores(first.size * 4 + 10, tmp_path, half=False)
    stores.add(first)
    stores.add(second)
    assert isinstance(stores[first], InMemory)
    assert not isinstance(stores[second], InMemory)
    stores.drop(first)
    stores.add(third)
    assert isinstance(stores[third], InMemory)
    stores.close()
    assert not stores.layers()


def test_rows_that_were_forgotten_are_given_up_band_by_band() -> None:
    stored = InMemory()
    for value in range(4):
        stored.write(np.full((1, 10, 7, 5), value))
    stored.forget_before(25)
    assert stored.read(Band(25, 35))[0, :, 0, 0].tolist() == [2] * 5 + [3] * 5
    assert stored.read(Band(20, 40)).shape == (1, 20, 7, 5)
    with pytest.raises(ValueError, match="concatenate"):
        stored.read(Band(0, 20))


def test_a_full_disk_is_a_lack_of_memory_for_now() -> None:
    one = layer(4)
    stored = InFile(None, one, np.float32)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limit[1]))
    try:
        with pytest.raises(OutOfMemory, match=r"scratch_dir.*large"):
            stored.write(np.zeros((1, 4, 7, 5), np.float32))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
