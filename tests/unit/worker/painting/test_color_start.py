"""A photograph in the colors of its styles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from worker.images.arrays import Picture
from worker.painting.color_start import in_colors_of


def colors(chance: np.random.Generator, mean: float, spread: float) -> Picture:
    """Return a picture with related colors."""
    mixed = chance.normal(0, spread, (40, 50, 3)) @ np.array([[1, 0.6, 0.2], [0, 0.7, 0.1], [0, 0, 0.5]])
    return np.asarray((mixed + mean).clip(0, 255), np.uint8)


def statistics(picture: Picture) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    flat = picture.reshape(-1, 3).astype(float)
    return flat.mean(0), np.cov(flat.T)


@pytest.fixture
def chance() -> np.random.Generator:
    return np.random.default_rng(3)


def test_mean_and_covariance_are_those_of_the_style(chance: np.random.Generator) -> None:
    content, style = colors(chance, 90, 25), colors(chance, 140, 15)
    painted = in_colors_of([(style, 1.0)], content)
    assert painted.shape == content.shape
    for ours, wanted in zip(statistics(painted), statistics(style), strict=True):
        assert ours == pytest.approx(wanted, rel=0.05, abs=2)


def test_its_own_colors_change_nothing(chance: np.random.Generator) -> None:
    content = colors(chance, 120, 20)
    assert np.abs(in_colors_of([(content, 2.0)], content).astype(int) - content).max() <= 2


def test_several_styles_count_by_their_weights() -> None:
    content, dark, light = (np.full((4, 4, 3), value, np.uint8) for value in (100, 40, 200))
    painted = in_colors_of([(dark, 3.0), (light, 1.0)], content)
    assert (painted == 80).all()


def test_pictures_of_one_color_are_no_error() -> None:
    content = np.full((3, 5, 3), (10, 200, 30), np.uint8)
    style = np.full((8, 2, 3), (250, 0, 128), np.uint8)
    assert np.abs(in_colors_of([(style, 1.0)], content).astype(int) - [250, 0, 128]).max() <= 1
