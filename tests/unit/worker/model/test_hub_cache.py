from __future__ import annotations

from pathlib import Path

import pytest

from worker.model.hub_cache import cached_model, what_to_do

HANDLE = "https://tfhub.dev/google/magenta/arbitrary-image-stylization-v1-256/2"


def test_the_folder_of_a_handle_is_named_by_its_sha1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    assert cached_model(HANDLE) == tmp_path / "f843094219bf78a99e8ea6c8d71f1bc74f07101a"


def test_an_operator_learns_what_to_fetch_where_to_put_it_and_what_goes_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    advice = what_to_do(HANDLE)
    assert f"{HANDLE}?tf-hub-format=compressed" in advice
    assert f"{cached_model(HANDLE)}/saved_model.pb" in advice
    assert "STYLEQUEUE_MODEL=embedded" in advice


def test_a_path_is_not_taken_for_a_url() -> None:
    advice = what_to_do("/no/such/model")
    assert "'embedded'" in advice
    assert "tf-hub-format" not in advice
