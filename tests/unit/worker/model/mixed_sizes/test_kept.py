"""Compiled calls are kept apart by TensorFlow's version and by device."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from worker.model.mixed_sizes.kept import keep_compiled


def test_the_folder_is_named_after_the_version_and_the_device_and_other_flags_stay(tmp_path: Path) -> None:
    environment = {"TF_XLA_FLAGS": "--tf_xla_auto_jit=0"}
    keep_compiled(tmp_path, "NVIDIA H200", environment)
    folder = tmp_path / "xla" / f"tensorflow-{version('tensorflow')}-NVIDIA-H200"
    assert environment["TF_XLA_FLAGS"] == f"--tf_xla_auto_jit=0 --tf_xla_persistent_cache_directory={folder}"
