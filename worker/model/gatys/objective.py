"""The objective of the original method, for one content picture and its style pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from worker.model.gatys.features import Vgg
from worker.model.gatys.losses import (
    CONTENT_LAYER,
    STYLE_LAYERS,
    content_loss,
    gram_over_positions,
    style_layer_loss,
    style_loss,
    total_variation,
)

Pixels = npt.NDArray[np.float32]  # height x width x 3, sRGB in [0, 1]


@dataclass(frozen=True)
class Weights:
    """The weights of the losses in the total (equation 7); the paper has no total variation."""

    alpha: float
    beta: float
    total_variation: float = 0.0


@dataclass(frozen=True)
class Losses:
    """The losses of one picture: the raw values of the paper's equations 1, 4, 5 and 7."""

    content: float
    style: float
    total: float
    style_by_layer: Mapping[str, float]
    content_elements: int  # N * M of the content layer


class Measures:
    """The graphs of one VGG network; each is traced once, for pictures of all sizes."""

    def __init__(self, vgg: Vgg) -> None:
        self.vgg = vgg
        pictures = tf.TensorSpec([1, None, None, 3], tf.float32)
        self.content_target = tf.function(self._content_target, input_signature=[pictures])
        self.style_target = tf.function(self._style_target, input_signature=[pictures])
        channels = {name: tensor.shape[-1] for name, tensor in self._shapes().items()}
        grams = tuple(tf.TensorSpec([channels[name]] * 2, tf.float32) for name in STYLE_LAYERS)
        wanted = tf.TensorSpec([1, None, None, channels[CONTENT_LAYER]], tf.float32)
        weights = tf.TensorSpec([3], tf.float32)
        self.losses = tf.function(self._losses, input_signature=[pictures, wanted, grams, weights])
        self.gradient = tf.function(self._gradient, input_signature=[pictures, wanted, grams, weights])

    @property
    def traces(self) -> int:
        """Return how often the gradient was traced; a value above 1 means that each size is traced."""
        return int(self.gradient.experimental_get_tracing_count())

    def _shapes(self) -> dict[str, Any]:
        return self.vgg.features(tf.zeros([1, 16, 16, 3]))

    def _content_target(self, picture: Any) -> Any:
        return self.vgg.features(picture)[CONTENT_LAYER]

    def _style_target(self, picture: Any) -> Any:
        features = self.vgg.features(picture)
        return tuple(gram_over_positions(features[layer]) for layer in STYLE_LAYERS)

    def _losses(self, picture: Any, wanted: Any, grams: Any, weights: Any) -> tuple[Any, Any, Any, Any]:
        features = self.vgg.features(picture)
        content = content_loss(features[CONTENT_LAYER], wanted)
        by_layer = tf.stack(
            [
                style_layer_loss(gram_over_positions(features[layer]), gram)
                for layer, gram in zip(STYLE_LAYERS, grams, strict=True)
            ]
        )
        style = style_loss(by_layer)
        total = weights[0] * content + weights[1] * style + weights[2] * total_variation(picture)
        return total, content, style, by_layer

    def _gradient(self, picture: Any, wanted: Any, grams: Any, weights: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            tape.watch(picture)
            losses = self._losses(picture, wanted, grams, weights)
        return losses, tape.gradient(losses[0], picture)


class Objective:
    """The total loss of pictures that have the content picture's size."""

    def __init__(
        self,
        measures: Measures,
        content: Pixels,
        styles: Sequence[tuple[Pixels, float]],
        weights: Weights,
    ) -> None:
        """`styles` are pictures of any size and their weights; the Gram matrices of several are averaged.

        All sides must have at least 16 pixels.
        """
        self._measures = measures
        self._wanted = measures.content_target(content[None])
        self._grams = _mixed([(measures.style_target(style[None]), share) for style, share in styles])
        self._weights = tf.constant([weights.alpha, weights.beta, weights.total_variation], tf.float32)

    def losses(self, picture: Pixels) -> Losses:
        return self._as_record(self._measures.losses(picture[None], self._wanted, self._grams, self._weights))

    def gradient(self, picture: Pixels) -> tuple[Losses, Pixels]:
        losses, gradient = self._measures.gradient(picture[None], self._wanted, self._grams, self._weights)
        return self._as_record(losses), np.asarray(gradient.numpy()[0])

    def _as_record(self, losses: tuple[Any, Any, Any, Any]) -> Losses:
        total, content, style, by_layer = (part.numpy() for part in losses)
        return Losses(
            content=float(content),
            style=float(style),
            total=float(total),
            style_by_layer=dict(zip(STYLE_LAYERS, map(float, by_layer), strict=True)),
            content_elements=int(np.prod(self._wanted.shape)),
        )


def _mixed(weighted: Sequence[tuple[tuple[Any, ...], float]]) -> tuple[Any, ...]:
    whole = sum(share for _, share in weighted)
    layers = zip(*(grams for grams, _ in weighted), strict=True)
    shares = [share / whole for _, share in weighted]
    return tuple(
        tf.add_n([gram * share for gram, share in zip(grams, shares, strict=True)]) for grams in layers
    )
