"""The digest identifies the model, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.model.model_digest import model_digest


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "variables").mkdir()
    (tmp_path / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "variables" / "variables.index").write_bytes(b"index")
    (tmp_path / "fingerprint.pb").write_bytes(b"random")
    return tmp_path


def test_it_is_the_same_for_the_same_files_wherever_they_are(model: Path) -> None:
    digest = model_digest(str(model))
    assert digest is not None
    assert len(digest) == 64
    moved = model.rename(model.with_name("elsewhere"))
    (moved / "fingerprint.pb").write_bytes(b"another build")
    assert model_digest(str(moved)) == digest


@pytest.mark.parametrize("change", ["content", "name", "more"])
def test_it_changes_with_any_file(model: Path, change: str) -> None:
    digest = model_digest(str(model))
    if change == "content":
        (model / "variables" / "variables.index").write_bytes(b"Index")
    elif change == "name":
        (model / "saved_model.pb").rename(model / "saved_model.pbtxt")
    else:
        (model / "assets.txt").write_bytes(b"")
    assert model_digest(str(model)) != digest


def test_a_path_that_is_no_local_folder_has_no_digest_file() -> None:
    assert model_digest("gs://bucket/model") is None
