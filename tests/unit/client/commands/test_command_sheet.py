"""`stylequeue sheet` and `submit --sheet`: a contact sheet, and the commands for its rows."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pillow_heif import register_heif_opener

from client.commands.sheet.contact_sheet import CELL, GAP, MARGIN
from tests.unit.batch_service import BatchService
from tests.unit.client_server import JPEG
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
    strokes = "--stroke-side 256 --out painted"  # as large as in the preview
    for expected in (
        f"  1  night sky, strength 0.5\n     {command} 'styles/night sky.png' --strength 0.5 {strokes}\n",
        f"  4  wave, strength 1\n     {command} styles/wave.png {strokes}\n",
    ):
        assert expected in printed
    with Image.open(album / "out" / "sheet.jpg") as sheet:
        assert sheet.getpixel((40, 320)) != sheet.getpixel((5, 5))  # a style, and the background


def test_a_sheet_shows_pictures_of_all_formats_and_no_photo_without_a_picture(
    bulk: BatchService, album: Path
) -> None:
    register_heif_opener()
    photos = album / "photos"
    (photos / "cat.png").unlink()
    (photos / "a.jpg").write_bytes(b"")
    (photos / "bad.jpg").write_bytes(JPEG)
    Image.new("RGB", (64, 64), (200, 0, 0)).save(photos / "c.heic")
    Image.fromarray(np.full((64, 64), 100 * 257, dtype=np.uint16)).save(photos / "d.tif")
    result = run(bulk.url, "sheet", "photos", "--style", "styles/wave.png", "--out", "out")
    assert result.exit_code == 1
    with Image.open(album / "out" / "sheet.jpg") as sheet:
        columns = [sheet.getpixel((MARGIN + place * (CELL + GAP) + CELL // 2, 120)) for place in (1, 2)]
        assert sheet.width == 2 * MARGIN + 3 * CELL + 2 * GAP
    for column, expected in zip(columns, ((200, 0, 0), (100, 100, 100)), strict=True):
        assert column == pytest.approx(expected, abs=6)


def test_submit_draws_the_sheet_of_its_results(bulk: BatchService, album: Path) -> None:
    words = ("submit", "photos", "--style", "styles", "--out", "out", "--sheet")
    assert "look at out/sheet.jpg" in run(bulk.url, *words).output
    before = len(bulk.requests)
    assert "look at out/sheet.jpg" in run(bulk.url, *words).output
    assert len(bulk.requests) == before
    assert (album / "out" / "sheet.jpg").exists()


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (
            "--max-side 512 --stroke-side 256 --preserve-color luminance --losses --alpha 0.5 --quality 80",
            "--losses --stroke-side 256 --preserve-color luminance --alpha 0.5 --quality 80",
        ),
        (
            "--max-side original --format png --output-alpha keep --keep-time",
            "--max-side original --format png --output-alpha keep --keep-time",
        ),
        ("--method optimize --iterations 7 --seed 3", "--method optimize --iterations 7 --seed 3"),
    ],
)
def test_a_printed_command_has_all_options_of_the_row(
    bulk: BatchService, album: Path, words: str, printed: str
) -> None:
    (album / "photos" / "it's a dog.png").write_bytes((album / "photos" / "cat.png").read_bytes())
    photo = "photos/it's a dog.png"
    style = "styles/wave.png:0.7+styles/night sky.png:0.3"
    result = run(bulk.url, "submit", photo, "--style", style, "--out", "out", "--sheet", *words.split())
    assert result.exit_code == 0, result.output
    command = shlex.split(result.output.splitlines()[-1])
    assert command[:5] == ["stylequeue", "--api", bulk.url, "submit", photo]
    assert command[5:] == ["--style", style, *printed.split(), "--out", "painted"]
    size = "at their own size" if "original" in words else "at 1,024 pixels"
    size = "at the size that the worker chooses" if "optimize" in words else size
    assert f"as in a row of the sheet, {size}:" in result.output


@pytest.mark.parametrize("command", [("sheet",), ("submit", "--sheet")])
def test_the_pictures_of_a_bucket_have_no_sheet(
    bulk: BatchService, album: Path, command: tuple[str, ...]
) -> None:
    result = run(bulk.url, *command, "s3://b/c/", "--style", "styles", "--out", "out")
    assert result.exit_code == 2
    assert "needs photos that are here, and not those of s3://b/c/" in " ".join(result.output.split())
    assert bulk.requests == []
