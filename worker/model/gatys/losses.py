"""Computes the losses of arXiv:1508.06576 on TensorFlow's tensors.

Notation of the paper: at layer l a picture has N_l feature maps of M_l positions. F, of shape N_l x M_l, are
the maps of the sought picture, P those of the content picture; G and A are the Gram matrices of the sought
picture and of the style picture.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

CONTENT_LAYER = "conv4_2"
STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
STYLE_LAYER_WEIGHT = 1 / len(STYLE_LAYERS)  # w_l of equation 5: the same for each layer


def content_loss(features: Any, wanted: Any) -> Any:
    """Compute equation 1: 1/2 * sum of (F - P)^2. It grows with the number of pixels.

    Args:
        features: F, [1, height, width, N]: of the sought picture.
        wanted: P, of the same shape: of the content picture.
    """
    return 0.5 * tf.reduce_sum(tf.math.squared_difference(features, wanted))


def gram_over_positions(features: Any) -> Any:
    """Compute G / M: equation 3's inner products of the feature maps, divided by their number of positions.

    The paper divides by M in the loss, which is equivalent if both pictures have the same size. Here the
    style picture may have another size, so each Gram matrix is divided by its own M.

    Args:
        features: [1, height, width, N].

    Returns:
        [N, N], symmetric.
    """
    shape = tf.shape(features)
    maps = tf.reshape(features, [shape[1] * shape[2], shape[3]])
    return tf.linalg.matmul(maps, maps, transpose_a=True) / tf.cast(shape[1] * shape[2], maps.dtype)


def style_layer_loss(gram: Any, wanted: Any) -> Any:
    """Compute equation 4: E_l = 1/(4 N^2 M^2) * sum of (G - A)^2, where the arguments contain M already.

    It is a quarter of the entries' mean squared difference, so it does not grow with the number of pixels.

    Args:
        gram: G / M, [N, N]: of the sought picture.
        wanted: A / M, [N, N]: of the style picture.
    """
    return 0.25 * tf.reduce_mean(tf.math.squared_difference(gram, wanted))


def style_loss(by_layer: Any) -> Any:
    """Compute equation 5: the sum of w_l * E_l, with w_l = 1/5.

    Args:
        by_layer: E_l for each of STYLE_LAYERS, [5].
    """
    return STYLE_LAYER_WEIGHT * tf.reduce_sum(by_layer)


def total_variation(pictures: Any) -> Any:
    """Compute the sum of squared differences of neighboring pixels, which penalizes noise.

    It is not in the paper, but in Mahendran and Vedaldi, arXiv:1412.0035, section 3.2 with beta = 2.

    Args:
        pictures: [1, height, width, 3] in [0, 1].
    """
    down = tf.math.squared_difference(pictures[:, 1:], pictures[:, :-1])
    right = tf.math.squared_difference(pictures[:, :, 1:], pictures[:, :, :-1])
    return tf.reduce_sum(down) + tf.reduce_sum(right)
