"""Keeps compiled calls across restarts, by TensorFlow's persistent cache of XLA's executables."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, MutableMapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

FLAGS = "TF_XLA_FLAGS"


def keep_compiled(cache_dir: Path, device: str, environment: MutableMapping[str, str] = os.environ) -> None:
    """Have this process keep what it compiles. Call it before TensorFlow is imported.

    An entry's name has a digest of the graph with its weights, but neither TensorFlow's version nor the
    device, so these are the folder's name.
    """
    folder = re.sub(r"[^A-Za-z0-9.]+", "-", f"tensorflow-{version('tensorflow')}-{device}")
    flag = f"--tf_xla_persistent_cache_directory={cache_dir.absolute() / 'xla' / folder}"
    environment[FLAGS] = f"{environment.get(FLAGS, '')} {flag}".strip()


def with_lasting_name(function: Any, name: str) -> Callable[..., Any]:
    """Return the traced `tf.function` under `name`, which must be its own.

    TensorFlow numbers its functions in the order of tracing, and the cache's entries have the function's name
    in their digest (device_executable_persistor.h). So only a name that lasts finds them again.
    """
    from tensorflow.core.framework import function_pb2  # noqa: PLC0415 - `keep_compiled` comes before it
    from tensorflow.python.eager import context  # noqa: PLC0415

    concrete = function.get_concrete_function()
    if concrete.captured_inputs:
        return function  # type: ignore[no-any-return]
    definition = function_pb2.FunctionDef()
    definition.CopyFrom(concrete.function_def)
    definition.signature.name = name
    outputs, eager = len(definition.signature.output_arg), context.context()
    eager.add_function_def(definition)
    return lambda *inputs: eager.call_function(name.encode(), list(inputs), outputs)
