"""The model as functions of pictures: the real embedded model, whole and cut in two."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
from PIL import Image

from samples import content_paths, style_paths
from shared.errors import ModelUnavailable
from worker.images.arrays import Picture
from worker.model.batched_model import BatchedModel
from worker.model.embedded_model import EMBEDDED, embedded_model_path
from worker.model.precision import Precision, choose_precision
from worker.model.shared_model import SharedModel
from worker.model.style_frontier import split
from worker.model.stylizer import NETWORK_STRIDE, Stylizer

HALF_A_STEP = 0.5 / 255 + 1e-4  # rounding to 8 bits, and float tolerance

# Of the 16 pairs, at 256 x 192 and at 640 x 480: 0.0057 at most, 0.0029 in the median.
BFLOAT16_MEAN_DIFFERENCE = 0.01  # of 1


@pytest.fixture(scope="module")
def model(model_cache: Path) -> Any:
    return hub.load(str(embedded_model_path(model_cache)))


@pytest.fixture(scope="module")
def stylizer(model_cache: Path) -> Stylizer:
    stylizer = Stylizer(EMBEDDED, model_cache)
    stylizer.warm_up()
    return stylizer


def load(path: Path, width: int, height: int) -> Picture:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((width, height)))


def paint(stylizer: Stylizer, content: Picture, style: Picture) -> Picture:
    (picture,) = stylizer.paint(content[None], [stylizer.style_parameters(style)])
    return picture


def plain_call(model: Any, content: Picture, style: Picture) -> Any:
    """Call the model as a notebook does; float32 in [0, 1]."""
    return model(np.float32(content[None] / 255), np.float32(style[None] / 255))[0][0].numpy()


CONTENT, STYLE = content_paths()[0], style_paths()[0]


@pytest.mark.parametrize("style", style_paths(), ids=lambda path: path.stem)
@pytest.mark.parametrize("content", content_paths(), ids=lambda path: path.stem)
def test_the_picture_is_the_plain_calls_output(
    stylizer: Stylizer, model: Any, content: Path, style: Path
) -> None:
    pictures = load(content, 256, 192), load(style, 256, 256)
    assert np.abs(paint(stylizer, *pictures) / 255 - plain_call(model, *pictures)).max() <= HALF_A_STEP


def test_the_halves_together_are_the_whole_model_on_random_input(model: Any) -> None:
    halves = split(model)
    assert halves is not None
    random = np.random.default_rng(7)
    for content_shape, style_shape in [
        ((2, 64, 80, 3), (2, 256, 256, 3)),
        ((1, 128, 64, 3), (1, 200, 220, 3)),
    ]:
        content, style = (random.random(shape, np.float32) for shape in (content_shape, style_shape))
        parts = halves.paint(tf.constant(content), halves.style_parameters(tf.constant(style)))
        assert np.abs(parts.numpy() - model(content, style)[0].numpy()).max() < 1e-5


def test_a_batch_mixes_styles(stylizer: Stylizer) -> None:
    content = load(CONTENT, 96, 64)
    styles = [stylizer.style_parameters(load(path, 256, 256)) for path in style_paths()[:3]]
    together = stylizer.paint(np.stack([content] * 3), styles)
    for picture, style in zip(together, styles, strict=True):
        assert np.abs(picture.astype(int) - stylizer.paint(content[None], [style])[0]).max() <= 1


def test_a_blend_of_a_style_with_itself_is_that_style(stylizer: Stylizer) -> None:
    engine = SharedModel(BatchedModel(stylizer, 10**9), 10**6)
    one = stylizer.style_parameters(load(STYLE, 256, 256))
    assert np.allclose(engine.blend([(one, 0.2), (one, 3.0)]), one, atol=1e-6)


def test_a_blend_lies_between_its_styles(stylizer: Stylizer) -> None:
    engine = SharedModel(BatchedModel(stylizer, 10**9), 10**6)
    content = load(CONTENT, 96, 64)
    first, second = (stylizer.style_parameters(load(path, 256, 256)) for path in style_paths()[:2])
    pictures = [
        engine.paint(content, engine.blend([(first, weight), (second, 1 - weight)])).astype(float)
        for weight in (1e-9, 0.25, 0.75, 1 - 1e-9)
    ]
    to_first = [np.abs(picture - pictures[-1]).mean() for picture in pictures]
    assert to_first == sorted(to_first, reverse=True)


class Uncut(tf.Module):
    """A Hub-format model whose style cannot be cut off: it does not batch the style's part."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])] * 2)
    def __call__(self, placeholder: Any, placeholder_1: Any) -> list[Any]:
        return [placeholder * tf.reduce_mean(placeholder_1)]


def test_a_model_that_cannot_be_cut_works_all_the_same(tmp_path: Path) -> None:
    module = Uncut()
    tf.saved_model.save(module, str(tmp_path / "uncut"), signatures=module.__call__)
    stylizer = Stylizer(str(tmp_path / "uncut"), tmp_path)
    assert not stylizer.can_blend
    content, style = load(CONTENT, 50, 34), np.full((256, 256, 3), 51, np.uint8)
    assert np.abs(paint(stylizer, content, style).astype(int) - content * 0.2).max() <= 1


@pytest.mark.parametrize(
    ("width", "height"),
    [
        (64, 64),
        (101, 67),
        (67, 101),
        (33, 70),
        (66, 64),
        (17, 17),
        (64, 3),
        (1, 90),
        (5, 4),
        (1, 1),
        (9, 7),
        (2, 2),
    ],
)
def test_a_picture_of_any_size_keeps_its_size(stylizer: Stylizer, width: int, height: int) -> None:
    picture = paint(stylizer, load(CONTENT, width, height), load(STYLE, 256, 256))
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.uint8


def test_padding_by_reflection_does_not_shift_the_picture(stylizer: Stylizer) -> None:
    content, style = load(CONTENT, 128, 128), load(STYLE, 256, 256)
    whole, cut = paint(stylizer, content, style), paint(stylizer, content[:127, :127], style)
    inner = slice(16, -16)
    difference = np.abs(whole[:127, :127][inner, inner].astype(int) - cut[inner, inner])
    shifted = np.abs(whole[1:, 1:][inner, inner].astype(int) - cut[inner, inner])
    assert difference.mean() < 3
    assert difference.mean() < shifted.mean() / 3
    assert 127 % NETWORK_STRIDE != 0


def test_new_sizes_do_not_trace_the_graph_again(stylizer: Stylizer) -> None:
    for side in (40, 44, 52):
        paint(stylizer, load(CONTENT, side, side), load(STYLE, 256, 256))
    assert stylizer.traces == 1


def test_flat_pictures_give_numbers(stylizer: Stylizer) -> None:
    flat = np.full((64, 64, 3), 7, np.uint8)
    assert paint(stylizer, flat, np.zeros((256, 256, 3), np.uint8)).shape == flat.shape


@pytest.mark.parametrize("url", [None, "https://tfhub.dev/example/painter/1"])
def test_a_path_and_a_hub_url_lead_to_the_same_model_as_embedded(
    stylizer: Stylizer,
    model_cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    url: str | None,
) -> None:
    folder = embedded_model_path(model_cache)
    if url:  # as tensorflow_hub names what it has downloaded
        monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
        shutil.copytree(folder, tmp_path / hashlib.sha1(url.encode()).hexdigest())
    other = Stylizer(url or str(folder), model_cache)
    pictures = load(CONTENT, 64, 64), load(STYLE, 256, 256)
    assert np.array_equal(paint(other, *pictures), paint(stylizer, *pictures))
    assert other.digest == stylizer.digest
    assert len(stylizer.digest or "") == 64


def test_the_fastest_arithmetic_differs_little_from_float32(stylizer: Stylizer, model_cache: Path) -> None:
    """On a CPU without bfloat16 `auto` is float32, and the difference is 0."""
    fast = Stylizer(EMBEDDED, model_cache, Precision.AUTO)
    for content in content_paths():
        for style in style_paths():
            pictures = load(content, 256, 192), load(style, 256, 256)
            difference = np.abs(paint(fast, *pictures) / 255 - paint(stylizer, *pictures) / 255)
            assert difference.mean() < BFLOAT16_MEAN_DIFFERENCE, (content.stem, style.stem)


def test_arithmetic_that_the_device_does_not_have_is_refused() -> None:
    with pytest.raises(ModelUnavailable, match=r"float16 \(STYLEQUEUE_PRECISION\); it has float32"):
        choose_precision(Precision.FLOAT16, "cpu")


@pytest.mark.parametrize("handle", ["/no/such/folder", "https://127.0.0.1:1/model/1"])
def test_a_handle_that_leads_to_no_model_says_what_to_do(tmp_path: Path, handle: str) -> None:
    with pytest.raises(ModelUnavailable, match=r"STYLEQUEUE_MODEL.*embedded"):
        Stylizer(handle, tmp_path)
