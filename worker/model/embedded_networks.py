"""The two networks of the embedded model as functions of tensors.

style predictor   MobileNet-v2 (Sandler et al. 2018, arXiv:1801.04381): style picture -> 100 numbers
transformer       Ghiasi et al. 2017 (arXiv:1705.06830), slim: content picture -> stylized picture; the
                  100 numbers set a scale and an offset after each of its 13 instance normalizations
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import numpy as np

from worker.model.embedded_weights import Array, Convolution

NETWORK_STRIDE = 4  # the transformer halves height and width twice, then doubles them twice
MIN_CONTENT_SIDE = 8  # for a reflection of 4 pixels, and of 1 at a quarter of the size

NORMALIZATION_EPSILON = 1e-5  # `StyleNorm/batchnorm/add/y` in the ONNX file: 127 * 7.874e-8
BLOCK = 2  # pixels per side of a block, see block_kernel
BOTTLENECKS = 17  # inverted residual blocks of MobileNet-v2 (its table 2)
RESIDUALS = 5

Edges = tuple[slice, slice]  # copied before the first and after the last row and column
REFLECTED: Edges = slice(1, 2), slice(-2, -1)
REPEATED: Edges = slice(0, 1), slice(-1, None)
REPEATED_BEFORE: Edges = slice(0, 1), slice(0, 0)
Grid = Literal["pixels", "blocks", "doubled pixels"]
Tensor = Any  # tf.Tensor: tensorflow is not imported here, and has no complete types


@dataclass(frozen=True)
class Networks:
    """Both networks as functions of tensors, [batch, height, width, channels] throughout.

    The layers at full resolution run on blocks of 2 x 2 pixels whose pixels are channels (see block_kernel).
    They compute the same sums in 12 to 32 channels instead of 3 to 8, which keeps a CPU's vector units busy
    and takes 0.6 of the time (640 x 480, two cores with AVX-512).
    """

    tf: ModuleType  # the tensorflow module; passed in, because importing this module must stay cheap
    weights: Mapping[str, Convolution]

    def stylize(self, content: Tensor, style: Tensor) -> Tensor:
        return self.transform(content, self.style_vector(style))

    def style_vector(self, style: Tensor) -> Tensor:
        """Map a style picture to [batch, 1, 1, 100]: MobileNet-v2 without its classifier, then a matrix."""
        x = self._relu6(self._convolve(style, "MobilenetV2/Conv/weights", "SAME"))
        for index in range(BOTTLENECKS):
            x = self._bottleneck(x, f"MobilenetV2/expanded_conv{f'_{index}' if index else ''}")
        x = self._relu6(self._convolve(x, "MobilenetV2/Conv_1/weights"))
        return self._convolve(self.tf.reduce_mean(x, [1, 2], keepdims=True), "mobilenet_conv/Conv/weights")

    def transform(self, content: Tensor, style_vector: Tensor) -> Tensor:
        """Paint the content in the style: contract to a quarter, five residual blocks, expand."""
        relu = self.tf.nn.relu
        x = self._contract(content)
        for index in range(1, RESIDUALS + 1):
            x = self._residual(x, style_vector, f"transformer/residual/residual{index}")
        x = relu(self._double_and_convolve(x, style_vector, "transformer/expand/conv1/conv"))
        x = self.tf.nn.depth_to_space(x, BLOCK)
        x = relu(self._double_and_convolve(x, style_vector, "transformer/expand/conv2/conv"))
        x = self._convolve_blocks(self._reflect_blocks(x), "transformer/expand/conv3/conv/weights", "blocks")
        x = self.tf.sigmoid(self._style_norm(x, style_vector, "transformer/expand/conv3/conv"))
        return self.tf.nn.depth_to_space(x, BLOCK)

    def _contract(self, content: Tensor) -> Tensor:
        """Run three convolutions of strides 1, 2, 2; the biases contain their batch normalizations."""
        relu = self.tf.nn.relu
        size = self.tf.shape(content)
        below, right = -size[1] % NETWORK_STRIDE, -size[2] % NETWORK_STRIDE
        x = self.tf.pad(content, [[0, 0], [4, 4 + below], [4, 4 + right], [0, 0]], "REFLECT")
        x = relu(self._convolve_blocks(x, "transformer/contract/conv1/weights", "pixels"))
        x = self._pad(x, REPEATED_BEFORE)  # the kernel reads only those pixels that a reflection would have
        x = relu(self._convolve_blocks(x, "transformer/contract/conv2/weights", "blocks"))
        return relu(self._convolve(self._pad(x, REFLECTED), "transformer/contract/conv3/weights"))

    def _bottleneck(self, x: Tensor, name: str) -> Tensor:
        """Run an inverted residual of MobileNet-v2: expand, filter each channel, project; add if it fits.

        TensorFlow's "SAME" equals the ONNX file's padding: (0, 1) at stride 2 and even size, else (1, 1).
        """
        inner = x
        if f"{name}/expand/weights" in self.weights:  # not in the first block
            inner = self._relu6(self._convolve(inner, f"{name}/expand/weights"))
        depthwise = self.weights[f"{name}/depthwise/depthwise_weights"]
        strides = [1, depthwise.stride, depthwise.stride, 1]
        inner = self.tf.nn.depthwise_conv2d(inner, depthwise.kernel, strides, "SAME")
        inner = self._relu6(self.tf.nn.bias_add(inner, depthwise.bias))
        projected = self._convolve(inner, f"{name}/project/weights")
        return projected + x if depthwise.stride == 1 and projected.shape[-1] == x.shape[-1] else projected

    def _residual(self, x: Tensor, style_vector: Tensor, name: str) -> Tensor:
        inner = self._convolve(self._pad(x, REFLECTED), f"{name}/conv1/weights")
        inner = self.tf.nn.relu(self._style_norm(inner, style_vector, f"{name}/conv1"))
        inner = self._convolve(self._pad(inner, REFLECTED), f"{name}/conv2/weights")
        return x + self._style_norm(inner, style_vector, f"{name}/conv2")

    def _double_and_convolve(self, x: Tensor, style_vector: Tensor, name: str) -> Tensor:
        """Double by nearest neighbor, reflect and convolve by 3 x 3 in one step; return blocks."""
        x = self._pad(x, REPEATED)  # after doubling, this equals the reflection of the doubled picture
        x = self._convolve_blocks(x, f"{name}/weights", "doubled pixels")
        return self._style_norm(x, style_vector, name)

    def _style_norm(self, x: Tensor, style_vector: Tensor, name: str) -> Tensor:
        """Apply conditional instance normalization (arXiv:1705.06830, eq. 5) to pixels or blocks.

        The content network depends on the style only by `scale` and `offset`, [style batch, 1, 1, channels].
        """
        tf = self.tf
        scale = self._convolve(style_vector, f"style_params/{name}/StyleNorm/Conv_1/weights")
        offset = self._convolve(style_vector, f"style_params/{name}/StyleNorm/Conv/weights")
        phases = x.shape[-1] // scale.shape[-1]
        mean = self._mean(x, phases)
        # E[x^2] - E[x]^2 takes half the time of tf.nn.moments; if flat, rounding can bring it below 0.
        variance = tf.maximum(self._mean(tf.square(x), phases) - tf.square(mean), 0.0)
        factor = scale * tf.math.rsqrt(variance + NORMALIZATION_EPSILON)
        summand = offset - mean * factor
        return x * tf.tile(factor, [1, 1, 1, phases]) + tf.tile(summand, [1, 1, 1, phases])

    def _mean(self, x: Tensor, phases: int) -> Tensor:
        """Return the mean per picture and channel, [batch, 1, 1, channels / phases]."""
        means = self.tf.reduce_mean(x, [1, 2])
        channels = x.shape[-1] // phases
        return self.tf.reduce_mean(self.tf.reshape(means, [-1, 1, phases, channels]), 2, keepdims=True)

    def _convolve(self, x: Tensor, name: str, padding: str = "VALID") -> Tensor:
        convolution = self.weights[name]
        x = self.tf.nn.conv2d(x, convolution.kernel, convolution.stride, padding)
        return self._add_bias(x, convolution.bias)

    def _convolve_blocks(self, x: Tensor, name: str, reads: Grid) -> Tensor:
        convolution = self.weights[name]
        kernel = block_kernel(convolution.kernel, convolution.stride, reads)
        x = self.tf.nn.conv2d(x, kernel, BLOCK if reads == "pixels" else 1, "VALID")
        return self._add_bias(x, np.tile(convolution.bias, kernel.shape[-1] // convolution.bias.size))

    def _add_bias(self, x: Tensor, bias: Array) -> Tensor:
        """Add the bias. It is zero before a normalization, which would subtract it with the mean."""
        return self.tf.nn.bias_add(x, bias) if bias.any() else x

    def _reflect_blocks(self, x: Tensor) -> Tensor:
        """Reflect 4 pixels at each side of a picture in blocks; only its edges are unpacked for that."""
        for axis in (1, 2):
            before = self._pixels_of_edge(x, axis, slice(3), slice(4, 0, -1))
            after = self._pixels_of_edge(x, axis, slice(-3, None), slice(-2, -6, -1))
            x = self.tf.concat([before, x, after], axis)
        return x

    def _pixels_of_edge(self, x: Tensor, axis: int, blocks: slice, pixels: slice) -> Tensor:
        """Select `pixels` among those of the `blocks` along `axis`, and return them in blocks."""
        edge = self.tf.nn.depth_to_space(_along(x, axis, blocks), BLOCK)
        return self.tf.nn.space_to_depth(_along(edge, axis, pixels), BLOCK)

    def _pad(self, x: Tensor, edges: Edges) -> Tensor:
        """Copy `edges` to the sides of rows and columns; this takes half the time of tf.pad."""
        before, after = edges
        for axis in (1, 2):
            x = self.tf.concat([_along(x, axis, before), x, _along(x, axis, after)], axis)
        return x

    def _relu6(self, x: Tensor) -> Tensor:
        return self.tf.nn.relu6(x)


def _along(x: Tensor, axis: int, part: slice) -> Tensor:
    return x[(slice(None),) * axis + (part,)]


def block_kernel(kernel: Array, stride: int, reads: Grid) -> Array:
    """Return the kernel that computes blocks of 2 x 2 pixels as `kernel` computes pixels; it only adds zeros.

    A picture in blocks holds, for every 2 x 2 pixels, their channels one pixel after the other, as
    tf.nn.space_to_depth does; a pixel's place in its block is its phase. The result is in blocks; if `stride`
    is 2, of each block only the first pixel. `reads` says what the convolution reads, padded already:

        "blocks"          a picture in blocks
        "pixels"          a picture; the convolution has stride 2 (faster than tf.nn.space_to_depth before it)
        "doubled pixels"  a picture before it is doubled by nearest neighbor: each pixel stands for a block

    kernel [taps, taps, input, output] -> [height, width, phases read * input, phases written * output].
    """
    taps, outputs = kernel.shape[0], kernel.shape[-1]
    reach, phases_read, phases_written = taps // 2, 1 if reads == "doubled pixels" else BLOCK, BLOCK // stride
    first, last = -reach // BLOCK, (phases_written - 1 + taps - 1 - reach) // BLOCK
    reader = np.zeros((last - first + 1, phases_read, phases_written, taps), np.float32)
    for phase, tap in np.ndindex(phases_written, taps):
        block, source = divmod(phase + tap - reach, BLOCK)
        reader[block - first, source % phases_read, phase, tap] = 1
    layout = "aybxipqo" if reads == "pixels" else "abyxipqo"
    spread: Array = np.einsum(f"aypt,bxqu,tuio->{layout}", reader, reader, kernel, optimize=True)
    side = spread.shape[0] * (BLOCK if reads == "pixels" else 1)
    return spread.reshape(side, side, -1, phases_written**2 * outputs)
