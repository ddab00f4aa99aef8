"""Computes the features of pictures by a VGG network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from shared.errors import VggUnavailable
from worker.model.gatys.losses import STYLE_LAYERS
from worker.model.gatys.vgg_weights import (
    EMBEDDED,
    IMAGENET,
    VggWeights,
    embedded_weights_file,
    read_weights,
    weights_of,
)

MEAN_BGR = (103.939, 116.779, 123.68)  # of ImageNet, on which both networks were trained
DEEPEST = STYLE_LAYERS[-1]  # later layers are not needed


class Vgg:
    """The convolutions up to conv5_1, on pictures of any size; all graphs of a process share their weights.

    They use average pooling instead of maximum pooling, as the paper advises for a better gradient.
    """

    def __init__(self, weights: VggWeights) -> None:
        self.name = weights.name
        self._convolutions = {
            name: (tf.constant(kernel), tf.constant(bias))
            for name, (kernel, bias) in weights.convolutions.items()
            if name <= DEEPEST
        }

    def features(self, pictures: Any) -> dict[str, Any]:
        """Return the rectified output of each convolution, by its name.

        Args:
            pictures: [batch, height, width, 3], float32, sRGB in [0, 1], at least 16 x 16.

        Returns:
            conv1_1 [batch, height, width, 64] ... conv5_1 [batch, height // 16, width // 16, 512].
        """
        signal = pictures[..., ::-1] * 255.0 - tf.constant(MEAN_BGR)
        found: dict[str, Any] = {}
        for name, (kernel, bias) in self._convolutions.items():
            if name.endswith("_1") and found:
                signal = tf.nn.avg_pool2d(signal, ksize=2, strides=2, padding="VALID")
            signal = tf.nn.relu(tf.nn.conv2d(signal, kernel, strides=1, padding="SAME") + bias)
            found[name] = signal
        return found


def load_vgg(handle: str) -> Vgg:
    """Load the network of STYLEQUEUE_VGG: 'embedded', 'imagenet', or the path of a Keras file of weights.

    Raises:
        VggUnavailable: it cannot be loaded; the message gives advice.
    """
    if handle == IMAGENET:
        return Vgg(_imagenet_weights())
    return Vgg(read_weights(embedded_weights_file() if handle == EMBEDDED else Path(handle)))


def _imagenet_weights() -> VggWeights:
    """Load VGG19 of Keras Applications, which downloads its weights once into ~/.keras."""
    try:
        network = tf.keras.applications.VGG19(include_top=False, weights="imagenet")
    except Exception as error:  # errors of the network or the file system
        raise VggUnavailable(
            f"VGG19 of Keras Applications cannot be downloaded (STYLEQUEUE_VGG=imagenet): {error}. Put its "
            "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5 there by hand, and name its path instead"
        ) from error
    blocks: dict[int, list[Any]] = {}
    for layer in network.layers:
        if layer.name.startswith("block") and "_conv" in layer.name:
            kernel, bias = (np.asarray(array, np.float32) for array in layer.get_weights())
            blocks.setdefault(int(layer.name[len("block")]), []).append((kernel, bias))
    return weights_of(blocks, IMAGENET)
