"""The Hub-format model as functions of pictures."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import structlog

with warnings.catch_warnings():
    # tensorflow_hub imports it (tensorflow/hub#934); setuptools is pinned for that.
    warnings.filterwarnings("ignore", "pkg_resources is deprecated")
    import tensorflow as tf
    import tensorflow_hub as hub

from shared.errors import ModelUnavailable, OutOfMemory, StylizationFailed
from worker.images.arrays import Picture, StyleParameters
from worker.model.bands.limits import BandLimits, PictureRows
from worker.model.bands.network import BandedNetwork, NotFinite
from worker.model.bands.painting import BandedPainter
from worker.model.embedded_model import EMBEDDED, embedded_model_path
from worker.model.hub_cache import what_to_do
from worker.model.hub_download import watched_download
from worker.model.mixed_sizes.buckets import bucket_of
from worker.model.mixed_sizes.calls import MixedCalls
from worker.model.mixed_sizes.values import CannotMix
from worker.model.model_digest import model_digest
from worker.model.padding import cropped, padded
from worker.model.pixels import as_floats, as_pixels
from worker.model.precision import Precision, choose_precision, with_precision
from worker.model.style_frontier import SplitModel, split

NETWORK_STRIDE = 4  # two convolutions of stride 2; sides are padded to a multiple of it
MIN_SIDE = 2 * NETWORK_STRIDE  # convolutions reflect 4 pixels at the edges, and need one more than that
BYTES_PER_PIXEL = 400  # for one call; the embedded model's peak was 170 at 4096 x 2730 in float32 on a CPU
AT_ONCE_PIXELS = 4_194_304  # on a CPU; a larger picture takes seconds, and in bands no longer
WARM_UP_SIDE = 256
WARM_UP_BATCHES = (1, 2, 4, 8, 16, 32, 64)
NOT_FINITE = "The model's output has values that are not numbers"
WORTHWHILE_GAIN = 1.05  # a batch of twice the size must paint a picture faster by this factor


class Stylizer:
    """A loaded model. Several threads may call it; the calls share TensorFlow's own threads."""

    bytes_per_pixel = BYTES_PER_PIXEL

    def __init__(
        self,
        handle: str,
        cache_dir: Path,
        precision: str = Precision.FLOAT32,
        *,
        mixes_sizes: bool | None = None,
    ) -> None:
        """Load a Hub URL, the path of a SavedModel, or `embedded`; all three by `hub.load`.

        With `mixes_sizes` pictures of different sizes share compiled calls; None means on a GPU only.

        Raises:
            ModelUnavailable: the handle leads to no model of this kind; the message gives advice.
        """
        self.handle = handle
        self.device = _device()
        self.precision = choose_precision(Precision(precision), self.device)
        self.pixel_budget = WARM_UP_SIDE**2
        model, self.digest = _load(handle, cache_dir)
        self.halves = split(model)
        self._whole: Any = None if self.halves else model
        self.can_blend = self.halves is not None
        pictures = tf.TensorSpec([None, None, None, 3], tf.uint8)
        parameters = tf.TensorSpec([None, None], tf.float32) if self.halves else pictures
        self._style = tf.function(self._style_graph, input_signature=[pictures])  # float32, as it is rare
        floats = tf.TensorSpec([None, None, None, 3], tf.float32)
        self._model_graph = with_precision(self.precision, self._whole_or_half, [floats, parameters])
        self._paint = tf.function(self._paint_graph, input_signature=[pictures, parameters])
        wanted = self.device.startswith("gpu") if mixes_sizes is None else mixes_sizes
        # TensorFlow does not rewrite compiled graphs
        self._mixes_sizes = wanted and self.precision is Precision.FLOAT32
        self._mixed: MixedCalls | None = None  # before `warm_up` has measured `pixel_budget`
        self.bands = self._banded(self.halves) if self.halves else None

    def style_parameters(self, style: Picture) -> StyleParameters:
        """Compute the parameters of a style picture (side x side x 3, near 256 x 256).

        Raises:
            OutOfMemory, StylizationFailed: as `paint`.
        """
        if self.halves is None:
            return style
        with _translated_errors(style.shape):
            return np.asarray(self._style(style[None]).numpy()[0])

    def group(self, height: int, width: int) -> tuple[int, int]:
        """Return what pictures that share a call have in common: their bucket, or else their size."""
        return (bucket_of(height, width) if self._mixed else None) or (height, width)

    def paint(self, contents: Sequence[Picture], parameters: Sequence[StyleParameters]) -> Sequence[Picture]:
        """Paint each content picture in the style at the same index, in one call of the model.

        Args:
            contents: height x width x 3, sRGB; any size, but all of one `group`.
            parameters: as many results of `style_parameters`, or weighted sums of such.

        Returns:
            Pictures of exactly the contents' shapes.

        Raises:
            OutOfMemory: the device has no room for the call.
            StylizationFailed: the model fails, or its output has values that are not numbers.
        """
        painted = self._painted_together(contents, parameters)
        if painted is None and len({content.shape for content in contents}) == 1:
            return list(self._paint_equal(np.stack(contents), parameters))
        if painted is None:
            alone = zip(contents, parameters, strict=True)
            return [self._paint_equal(content[None], [style])[0] for content, style in alone]
        pictures, finite = painted
        if not finite:
            raise StylizationFailed(NOT_FINITE)
        return pictures

    def _painted_together(
        self, contents: Sequence[Picture], parameters: Sequence[StyleParameters]
    ) -> tuple[list[Picture], bool] | None:
        bucket = bucket_of(*contents[0].shape[:2])
        if bucket is None or self._mixed is None:
            return None
        with _translated_errors(contents[0].shape):
            return self._mixed.paint(contents, parameters, bucket)

    def _paint_equal(self, contents: Picture, parameters: Sequence[StyleParameters]) -> Picture:
        with _translated_errors(contents.shape):
            pictures, finite = self._paint(padded(contents, MIN_SIDE), np.stack(parameters))
        if not finite:
            raise StylizationFailed(NOT_FINITE)
        return cropped(np.asarray(pictures.numpy()), contents)

    @property
    def traces(self) -> int:
        """Return how often the graph was traced; a value above 1 means that each size is traced."""
        return int(self._paint.experimental_get_tracing_count())

    def warm_up(self) -> None:
        """Make the first calls, so that no job waits for tracing and allocations.

        They also set `pixel_budget`, the pixels beyond which a larger batch is no faster per picture. From
        then on pictures of different sizes may share calls.

        Raises:
            ModelUnavailable: the model does not run.
        """
        try:
            style = self.style_parameters(np.zeros((WARM_UP_SIDE, WARM_UP_SIDE, 3), np.uint8))
            self.pixel_budget = WARM_UP_SIDE**2 * self._worthwhile_batch(style)
        except StylizationFailed as error:
            raise ModelUnavailable(f"The model {self.handle!r} cannot stylize: {error.detail}") from error
        if self._mixes_sizes and self.halves:
            self._mixed = self._mixed_calls(self.halves)

    def _banded(self, halves: SplitModel) -> StylizerBands | None:
        try:
            network = BandedNetwork(halves.content_half, halves.parts_of)
        except CannotMix as error:
            structlog.get_logger().warning("no bands", model=self.handle, reason=str(error))
            return None
        at_once = AT_ONCE_PIXELS if self.device == "cpu" else sys.maxsize
        return StylizerBands(BandedPainter(network, NETWORK_STRIDE, MIN_SIDE), at_once)

    def _mixed_calls(self, halves: SplitModel) -> MixedCalls | None:
        try:
            return MixedCalls(
                halves.mixed(MIN_SIDE),
                halves.parameter_count,
                NETWORK_STRIDE,
                MIN_SIDE,
                self.digest or self.handle,
                self.pixel_budget,
            )
        except CannotMix as error:
            structlog.get_logger().warning("sizes are not mixed", model=self.handle, reason=str(error))
            return None

    def _worthwhile_batch(self, style: StyleParameters) -> int:
        chosen, best = 1, self._seconds_per_picture(1, style)
        for batch in WARM_UP_BATCHES[1:]:
            try:
                seconds = self._seconds_per_picture(batch, style)
            except OutOfMemory:
                break
            if best / seconds < WORTHWHILE_GAIN:
                break
            chosen, best = batch, seconds
        return chosen

    def _seconds_per_picture(self, batch: int, style: StyleParameters) -> float:
        """Measure a second call: the first one of each shape also plans it."""
        contents = [np.zeros((WARM_UP_SIDE, WARM_UP_SIDE, 3), np.uint8)] * batch
        self.paint(contents, [style] * batch)
        begin = time.perf_counter()
        self.paint(contents, [style] * batch)
        return (time.perf_counter() - begin) / batch

    def _style_graph(self, styles: Any) -> Any:
        floats = as_floats(styles)
        return self.halves.style_parameters(floats) if self.halves else floats

    def _paint_graph(self, contents: Any, parameters: Any) -> tuple[Any, Any]:
        """Convert uint8 to the model's float32 in [0, 1], padded by reflection to its stride, and back."""
        height, width = tf.shape(contents)[1], tf.shape(contents)[2]
        padding = [[0, 0], [0, -height % NETWORK_STRIDE], [0, -width % NETWORK_STRIDE], [0, 0]]
        padded = as_floats(tf.pad(contents, padding, "REFLECT"))
        painted = self._model_graph(padded, parameters)[:, :height, :width]
        finite = tf.reduce_all(tf.math.is_finite(painted))
        return as_pixels(painted), finite

    def _whole_or_half(self, contents: Any, parameters: Any) -> Any:
        if self.halves:
            return self.halves.paint(contents, parameters)
        return self._whole(contents, as_floats(parameters))[0]


class StylizerBands:
    """Paints pictures band by band (`Bands`), always in float32."""

    def __init__(self, painter: BandedPainter, at_once_pixels: int) -> None:
        self._painter = painter
        self.at_once_pixels = at_once_pixels

    @property
    def stored_bytes_per_pixel(self) -> float:
        return self._painter.stored_bytes_per_pixel

    def steps(self, rows: PictureRows, parameters: StyleParameters, limits: BandLimits) -> Generator[float]:
        with _translated_errors((rows.height, rows.width)):
            try:
                yield from self._painter.steps(rows, parameters, limits)
            except NotFinite:
                raise StylizationFailed(NOT_FINITE) from None


def use_threads(intra_op_threads: int, calls_at_once: int) -> None:
    """Limit the threads of an operation, before TensorFlow's first call; 0 leaves it to TensorFlow."""
    if intra_op_threads:
        tf.config.threading.set_intra_op_parallelism_threads(intra_op_threads)
        tf.config.threading.set_inter_op_parallelism_threads(calls_at_once)


def _device() -> str:
    """Return 'cpu' or 'gpu:0'; let a GPU's memory grow as needed, so that processes can share it."""
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    return "gpu:0" if gpus else "cpu"


@contextmanager
def _translated_errors(shape: tuple[int, ...]) -> Iterator[None]:
    """Translate TensorFlow's exceptions into errors of ours."""
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise OutOfMemory(f"The model has no memory for pictures of {shape}") from error
    except (tf.errors.OpError, ValueError) as error:
        raise StylizationFailed(f"The model fails on this picture ({type(error).__name__})") from error


def _load(handle: str, cache_dir: Path) -> tuple[Any, str | None]:
    try:
        with watched_download(handle):
            folder = hub.resolve(str(embedded_model_path(cache_dir)) if handle == EMBEDDED else handle)
        return hub.load(folder), model_digest(folder)
    except ModelUnavailable:
        raise
    except Exception as error:  # errors of the network, the file system or TensorFlow
        raise ModelUnavailable(
            f"The model {handle!r} (STYLEQUEUE_MODEL) cannot be loaded: "
            f"{str(error).rstrip('.')}. {what_to_do(handle)}"
        ) from error
