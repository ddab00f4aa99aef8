"""Measures how far a picture's motif is from a photograph's, by the features of a VGG network.

LPIPS (Zhang et al., arXiv:1801.03924) is similar: it compares features of unit length at five layers. It
weighs channels by how much people noticed them; here all weigh the same. Its network is a VGG16 with maximum
pooling and its last layer is conv5_3; here it is the service's own network, with average pooling, to conv5_1.
So the values are not those of LPIPS.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from worker.images.arrays import Picture
from worker.model.gatys.features import Vgg

LAYERS = ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_1")
SMALLEST_LENGTH = 1e-10


def content_distance(vgg: Vgg, picture: Picture, photograph: Picture) -> float:
    """Return 0 for equal pictures, and 2 at most.

    At each position and layer it is the squared difference of the features, each scaled to length 1; then
    the mean over positions, and over layers.
    """
    ours, theirs = _directions(vgg, picture), _directions(vgg, photograph)
    return float(np.mean([((ours[layer] - theirs[layer]) ** 2).sum(axis=-1).mean() for layer in LAYERS]))


def _directions(vgg: Vgg, picture: Picture) -> dict[str, npt.NDArray[np.float32]]:
    features = vgg.features(picture[None].astype(np.float32) / np.float32(255))
    arrays = {layer: np.asarray(features[layer].numpy()) for layer in LAYERS}
    return {
        layer: array / np.maximum(np.linalg.norm(array, axis=-1, keepdims=True), SMALLEST_LENGTH)
        for layer, array in arrays.items()
    }
