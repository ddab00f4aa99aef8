"""The model as a function of pictures: the real embedded model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow_hub as hub
from PIL import Image

from samples import content_paths, style_paths
from shared.errors import ModelUnavailable
from worker.embedded_model import embedded_model_path
from worker.stylizer import EMBEDDED, NETWORK_STRIDE, Picture, Stylizer


@pytest.fixture(scope="module")
def stylizer(model_cache: Path) -> Stylizer:
    return Stylizer(EMBEDDED, model_cache)


def load(path: Path, width: int, height: int) -> Picture:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((width, height)))


CONTENT, STYLE = content_paths()[0], style_paths()[0]


def test_the_picture_is_the_plain_calls_output(stylizer: Stylizer, model_cache: Path) -> None:
    model = hub.load(str(embedded_model_path(model_cache)))
    content, style = load(CONTENT, 128, 96), load(STYLE, 256, 256)
    (picture,) = stylizer.stylize([content], [style])
    plain = model(np.float32(content[None] / 255), np.float32(style[None] / 255))[0][0].numpy()
    assert np.abs(picture / 255 - plain).max() <= 0.5 / 255 + 1e-4  # rounding to 8 bits


@pytest.mark.parametrize(("width", "height"), [(64, 64), (101, 67), (67, 101), (33, 70), (66, 64), (17, 17)])
def test_a_picture_of_any_size_keeps_its_size(stylizer: Stylizer, width: int, height: int) -> None:
    (picture,) = stylizer.stylize([load(CONTENT, width, height)], [load(STYLE, 256, 256)])
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.uint8


def test_padding_by_reflection_does_not_shift_the_picture(stylizer: Stylizer) -> None:
    content, style = load(CONTENT, 128, 128), load(STYLE, 256, 256)
    whole, cut = stylizer.stylize([content, content[:127, :127]], [style, style])
    inner = slice(16, -16)
    difference = np.abs(whole[:127, :127][inner, inner].astype(int) - cut[inner, inner])
    shifted = np.abs(whole[1:, 1:][inner, inner].astype(int) - cut[inner, inner])
    assert difference.mean() < 3
    assert difference.mean() < shifted.mean() / 3
    assert 127 % NETWORK_STRIDE != 0


def test_pictures_of_several_sizes_come_back_in_their_order(stylizer: Stylizer) -> None:
    sizes = [(64, 48), (48, 64), (64, 48)]
    styles = [load(path, 256, 256) for path in style_paths()[:3]]
    contents = [load(CONTENT, *size) for size in sizes]
    together = stylizer.stylize(contents, styles)
    for picture, content, style in zip(together, contents, styles, strict=True):
        (alone,) = stylizer.stylize([content], [style])
        assert np.abs(picture.astype(int) - alone).max() <= 1


def test_new_sizes_do_not_trace_the_graph_again(stylizer: Stylizer) -> None:
    style = load(STYLE, 256, 256)
    for side in (40, 44, 52):
        stylizer.stylize([load(CONTENT, side, side)], [style])
    assert stylizer.traces == 1


def test_flat_pictures_give_numbers(stylizer: Stylizer) -> None:
    flat = np.full((64, 64, 3), 7, np.uint8)
    (picture,) = stylizer.stylize([flat], [np.zeros((256, 256, 3), np.uint8)])
    assert picture.shape == flat.shape


def test_a_path_leads_to_the_same_model_as_embedded(stylizer: Stylizer, model_cache: Path) -> None:
    by_path = Stylizer(str(embedded_model_path(model_cache)), model_cache)
    content, style = load(CONTENT, 64, 64), load(STYLE, 256, 256)
    assert np.array_equal(*by_path.stylize([content], [style]), *stylizer.stylize([content], [style]))


@pytest.mark.parametrize("handle", ["/no/such/folder", "https://127.0.0.1:1/model/1"])
def test_a_handle_that_leads_to_no_model_says_what_to_do(tmp_path: Path, handle: str) -> None:
    with pytest.raises(ModelUnavailable, match="STYLEQUEUE_MODEL.*embedded"):
        Stylizer(handle, tmp_path)
