"""Chooses the arithmetic of the model's convolutions."""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import tensorflow as tf

from shared.errors import ModelUnavailable

CPU_FLAGS = Path("/proc/cpuinfo")
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}

# TensorFlow's rewriter would turn these to bfloat16 too, not only the convolutions. The means and variances
# of instance normalization need more than 8 bits of mantissa. With the element-wise operations in float32 the
# result is closer to float32 (mean difference 0.0027 instead of 0.0063) and a tenth faster.
KEPT_IN_FLOAT32 = "Mean,Rsqrt,Square,SquaredDifference,Mul,Sub,AddV2,Sigmoid"
INFER_LIST_VARIABLE = "TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_INFERLIST_REMOVE"


class Precision(StrEnum):
    AUTO = "auto"  # bfloat16 where a CPU has it; a GPU's TF32 is as fast in float32 as in float16 (H200)
    FLOAT32 = "float32"  # as the model was trained
    BFLOAT16 = "bfloat16"  # 8 bits of mantissa; on CPUs with AVX512-BF16 or AMX, by oneDNN
    FLOAT16 = "float16"  # 11 bits of mantissa; on GPUs with tensor cores


REWRITERS = {
    Precision.BFLOAT16: "auto_mixed_precision_onednn_bfloat16",
    Precision.FLOAT16: "auto_mixed_precision",
}


def choose_precision(wanted: Precision, device: str) -> Precision:
    """Return the precision for `wanted` on this device.

    Raises:
        ModelUnavailable: the device does not have it.
    """
    fast = _fast_arithmetic(device)
    if wanted is Precision.AUTO:
        return Precision.BFLOAT16 if fast is Precision.BFLOAT16 else Precision.FLOAT32
    if wanted not in (Precision.FLOAT32, fast):
        has = f"float32 and {fast}" if fast else "float32 only"
        raise ModelUnavailable(f"The device {device} has no {wanted} (STYLEQUEUE_PRECISION); it has {has}")
    return wanted


def with_precision(precision: Precision, function: Callable[..., Any], signature: list[Any]) -> Any:
    """Return `function` as a graph that computes in `precision`; call it from another graph.

    The rewriter's options hold for the process, but a call inside a graph keeps the options of its tracing if
    it is not inlined. So other graphs of the process do not change.
    """
    graph = tf.function(function, input_signature=signature, experimental_attributes={"_noinline": True})
    if precision is Precision.FLOAT32:
        return graph

    @tf.function(input_signature=signature)
    def call(*inputs: Any) -> Any:
        return graph(*inputs)

    if precision is Precision.BFLOAT16:
        os.environ[INFER_LIST_VARIABLE] = KEPT_IN_FLOAT32
    tf.config.optimizer.set_experimental_options({REWRITERS[precision]: True})
    try:
        call.get_concrete_function()
    finally:
        tf.config.optimizer.set_experimental_options({REWRITERS[precision]: False})
    return call


def _fast_arithmetic(device: str) -> Precision | None:
    if device.startswith("gpu"):
        return Precision.FLOAT16
    return Precision.BFLOAT16 if _cpu_flags() & BFLOAT16_FLAGS else None


def _cpu_flags() -> set[str]:
    """Return the CPU's features as Linux lists them; none on other systems."""
    try:
        lines = CPU_FLAGS.read_text("utf-8").splitlines()
    except OSError:
        return set()
    return set(next((line for line in lines if line.startswith("flags")), "").split())
