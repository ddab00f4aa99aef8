"""`stylequeue sheet` and `submit --sheet`: a contact sheet, and the commands for its rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.unit.batch_service import BatchService
from tests.unit.command_service import run


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for number, name in enumerate(("photos/cat.png", "styles/wave.png", "styles/night sky.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (40 + number, 30), (200, 0, 60 * number)).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_sheet_has_a_row_for_each_style_and_strength_with_the_command_for_it(
    bulk: BatchService, album: Path
) -> None:
    words = ("--style", "styles", "--strength", "0.5", "--strength", "1", "--out", "out")
    result = run(bulk.url, "sheet", "photos", *words)
    assert result.exit_code == 0, result.output
    assert [job["params"]["max_side"] for job in bulk.submitted] == [256] * 4
    printed = result.output[result.output.index("look at out/sheet.jpg") :]
    command = f"stylequeue --api {bulk.url} submit photos --style"
    for expected in (
        f"  1  night sky, strength 0.5\n     {command} 'styles/night sky.png' --strength 0.5 --out painted\n",
        f"  4  wave, strength 1\n     {command} styles/wave.png --out painted\n",
    ):
        assert expected in printed
    with Image.open(album / "out" / "sheet.jpg") as sheet:
        assert sheet.getpixel((40, 320)) != sheet.getpixel((5, 5))  # a style, and the background


def test_submit_draws_the_sheet_of_its_results(bulk: BatchService, album: Path) -> None:
    words = ("submit", "photos", "--style", "styles", "--out", "out", "--sheet")
    assert "look at out/sheet.jpg" in run(bulk.url, *words).output
    before = len(bulk.requests)
    assert "look at out/sheet.jpg" in run(bulk.url, *words).output
    assert len(bulk.requests) == before
    assert (album / "out" / "sheet.jpg").exists()


def test_the_pictures_of_a_bucket_have_no_sheet(bulk: BatchService, album: Path) -> None:
    result = run(bulk.url, "submit", "s3://b/c/", "--style", "styles", "--out", "out", "--sheet")
    assert result.exit_code == 2
    assert bulk.requests == []
