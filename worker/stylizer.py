"""The Hub-format model as a function of pictures. TensorFlow is named here and in embedded_model.py only."""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault(
    "TF_CPP_MIN_LOG_LEVEL", "2"
)  # read at import; TensorFlow greets in several lines otherwise

with warnings.catch_warnings():
    warnings.filterwarnings(
        "ignore", "pkg_resources is deprecated"
    )  # by tensorflow_hub; setuptools is pinned
    import tensorflow as tf
    import tensorflow_hub as hub

from shared.errors import ModelUnavailable, OutOfMemory, StylizationFailed
from worker.embedded_model import embedded_model_path

EMBEDDED = "embedded"
NETWORK_STRIDE = 4  # two convolutions of stride 2; sides are padded to a multiple of it
WARM_UP_SIDE = 256

Picture = NDArray[np.uint8]


class Stylizer:
    """A loaded model. Safe to call from several threads; the calls share TensorFlow's own threads."""

    def __init__(self, handle: str, cache_dir: Path) -> None:
        """Loads a Hub URL, the path of a SavedModel, or `embedded`; all three by `hub.load`.

        Raises:
            ModelUnavailable: the handle leads to no model of this kind; the message says what to do.
        """
        self.handle = handle
        self.device = _device()
        self._model = _load(handle, cache_dir)
        picture = tf.TensorSpec([None, None, None, 3], tf.uint8)
        self._run = tf.function(self._graph, input_signature=[picture, picture])

    def stylize(self, contents: Sequence[Picture], styles: Sequence[Picture]) -> list[Picture]:
        """Paints each content picture in the manner of the style picture at the same index.

        Args:
            contents: height x width x 3 each, sRGB; any sizes of at least NETWORK_STRIDE + 1 pixels a side.
            styles: side x side x 3 each, near 256 x 256.

        Returns:
            Pictures of exactly the sizes of `contents`. Those of equal shapes share one call of the model.

        Raises:
            OutOfMemory: the device has no room for the call.
            StylizationFailed: the model fails, or answers values that are not numbers.
        """
        groups = defaultdict(list)
        for index, (content, style) in enumerate(zip(contents, styles, strict=True)):
            groups[content.shape, style.shape].append(index)
        painted: dict[int, Picture] = {}
        for indexes in groups.values():
            batch = self._call(
                np.stack([contents[index] for index in indexes]),
                np.stack([styles[index] for index in indexes]),
            )
            painted.update(zip(indexes, batch, strict=True))
        return [painted[index] for index in range(len(contents))]

    @property
    def traces(self) -> int:
        """How often the graph was traced; more than once would mean that sizes are traced one by one."""
        return int(self._run.experimental_get_tracing_count())

    def warm_up(self) -> None:
        """One call, so that no job waits for tracing and first allocations."""
        picture = np.zeros((WARM_UP_SIDE, WARM_UP_SIDE, 3), np.uint8)
        try:
            self.stylize([picture], [picture])
        except (OutOfMemory, StylizationFailed) as error:
            raise ModelUnavailable(f"The model {self.handle!r} cannot stylize: {error.detail}") from error

    def _call(self, contents: Picture, styles: Picture) -> Picture:
        try:
            pictures, finite = self._run(contents, styles)
        except tf.errors.ResourceExhaustedError as error:
            raise OutOfMemory(f"The model has no memory for pictures of {contents.shape}") from error
        except (tf.errors.OpError, ValueError) as error:
            raise StylizationFailed(f"The model fails on this picture ({type(error).__name__})") from error
        if not finite:
            raise StylizationFailed("The model answers values that are not numbers")
        return np.asarray(pictures.numpy(), np.uint8)

    def _graph(self, contents: Any, styles: Any) -> tuple[Any, Any]:
        """uint8 in, uint8 out; the model sees float32 in [0, 1], padded by reflection to its stride."""
        height, width = tf.shape(contents)[1], tf.shape(contents)[2]
        padding = [[0, 0], [0, -height % NETWORK_STRIDE], [0, -width % NETWORK_STRIDE], [0, 0]]
        padded = tf.pad(tf.cast(contents, tf.float32) / 255.0, padding, "REFLECT")
        painted = self._model(padded, tf.cast(styles, tf.float32) / 255.0)[0][:, :height, :width]
        finite = tf.reduce_all(tf.math.is_finite(painted))
        return tf.cast(tf.round(tf.clip_by_value(painted, 0.0, 1.0) * 255.0), tf.uint8), finite


def _device() -> str:
    """'cpu' or 'gpu:0'; a GPU's memory is taken as it is needed, so that processes can share it."""
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    return "gpu:0" if gpus else "cpu"


def _load(handle: str, cache_dir: Path) -> Any:
    try:
        return hub.load(str(embedded_model_path(cache_dir)) if handle == EMBEDDED else handle)
    except ModelUnavailable:
        raise
    except Exception as error:  # hub.load raises whatever the network, the file system or TensorFlow raises
        raise ModelUnavailable(
            f"The model {handle!r} (STYLEQUEUE_MODEL) cannot be loaded: {error}. It must be 'embedded', "
            "a SavedModel's path, or a Hub URL that this machine can reach or has in TFHUB_CACHE_DIR"
        ) from error
