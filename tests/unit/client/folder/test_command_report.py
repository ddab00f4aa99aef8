"""The report at the end of `stylequeue submit`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.batch_service import BatchService
from tests.unit.client_server import JPEG, TRUNCATED, URL
from tests.unit.command_service import run


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def photos(photos: Path) -> Path:
    (photos / "bad.jpg").unlink()
    (photos / "cut.jpg").write_bytes(JPEG + b"cut")
    return photos


@pytest.mark.parametrize(
    ("max_side", "sentence"),
    [
        ("1024", "24.0 MP -> 0.0 MP, max_side 1024; --max-side original keeps the size\n"),
        ("original", "24.0 MP -> 0.0 MP, max_side 16384\n"),
    ],
)
def test_pictures_that_were_scaled_down_are_counted(
    bulk: BatchService, photos: Path, out: Path, max_side: str, sentence: str
) -> None:
    output = run(bulk.url, "submit", photos, "--style", URL, "--out", out, "--max-side", max_side).output
    assert f"1 picture(s) scaled down, such as {photos / 'cut.jpg'}: {sentence}" in output


def test_a_small_size_that_was_asked_for_is_no_news(bulk: BatchService, photos: Path, out: Path) -> None:
    output = run(bulk.url, "submit", photos, "--style", URL, "--out", out, "--max-side", "512").output
    assert "3 of 3 picture(s) saved" in output
    assert "scaled down" not in output


def test_a_reason_that_all_pictures_of_a_photo_share_is_told_once(
    bulk: BatchService, photos: Path, out: Path
) -> None:
    (photos / "text.jpg").write_bytes(b"no picture")
    (photos / "empty.jpg").write_bytes(b"")
    words = ("submit", photos, "--style", URL, "--style", photos.parent / "wave.png", "--out", out)
    output = run(bulk.url, *words, "--strength", "0.5", "--strength", "1").output
    assert "12 picture(s) to make at" in output
    assert "; 8 cannot be made\n" in output
    assert output.count("in 4 pictures") == 3
    for reason in (TRUNCATED["detail"], "empty.jpg is empty (not-a-picture)", "text.jpg is not a JPEG"):
        assert output.count(reason) == 1
