"""Files that are no pictures, or do not have the names of pictures, among those given to
`stylequeue submit`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.batch_service import BatchService
from tests.unit.client_server import JPEG, PNG, URL, WEBP
from tests.unit.command_service import run

PICTURES = {
    "a.JPG": JPEG,
    "b.jfif": JPEG,
    "c.jpe": JPEG,
    "d.MPO": JPEG,
    "e.Png": PNG,
    "f.WEBP": WEBP,
    "no-suffix": JPEG,
    "wrong.gif": PNG,
    "phone.HEIC": b"\0\0\0\x18ftypheic",
    "web.avif": b"\0\0\0\x18ftypavif",
    "scan.tif": b"II*\0\x08\0\0\0",
}
OTHERS = {
    "clip.mp4": b"\0\0\0\x20ftypmp42",
    "raw.nef": b"MM\0*\0\0\0\x08\0\0\0\0",
    "read me.txt": b"words",
    "LICENSE": "Worte für Anwälte".encode(),
    "core": b"\x7fELF\0",
    "empty": b"",
}
SKIPPED = "8 files skipped: 1 .mp4, 1 .nef, 1 .txt, 1 broken link, 1 linked folder, 2 no suffix, 1 text"


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder as people have them."""
    folder = tmp_path / "mixed"
    (folder / "more").mkdir(parents=True)
    for number, (name, content) in enumerate({**PICTURES, **OTHERS}.items()):
        ((folder / "more" if number % 2 else folder) / name).write_bytes(content)
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "elsewhere").symlink_to(tmp_path)
    (folder / ".hidden.txt").write_text("hidden")
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def manifest_in(out: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((out / "manifest.json").read_text())
    return manifest


def test_first_bytes_and_not_names_tell_a_picture_and_all_others_are_counted_and_listed(
    bulk: BatchService, mixed: Path, out: Path
) -> None:
    result = run(bulk.url, "submit", mixed, "--style", URL, "--out", out)
    assert result.exit_code == 0, result.output
    assert f"{SKIPPED}; {out / 'manifest.json'} lists them\n" in result.output
    manifest = manifest_in(out)
    assert {Path(picture["input"]).name for picture in manifest["pictures"]} == PICTURES.keys()
    assert sum(each["count"] for each in manifest["skipped"]) == 8
    names = {Path(file).name for each in manifest["skipped"] for file in each["files"]}
    assert names == {*OTHERS, "gone.jpg", "elsewhere"}


def test_a_pattern_reports_what_it_skipped_and_folders_are_no_files(
    bulk: BatchService, mixed: Path, out: Path
) -> None:
    assert run(bulk.url, "submit", f"{mixed}/*", "--style", URL, "--out", out).exit_code == 0
    manifest = manifest_in(out)
    pictures = {Path(picture["input"]).name for picture in manifest["pictures"]}
    assert pictures == {"a.JPG", "c.jpe", "e.Png", "no-suffix", "phone.HEIC", "scan.tif"}
    kinds = [each["kind"] for each in manifest["skipped"]]
    assert kinds == [".nef", "broken link", "no suffix", "text"]


@pytest.mark.parametrize("words", [["clips"], ["clips/*"], ["clips", "clips/**/*.mp4"]], ids=str)
def test_a_command_of_which_every_file_is_skipped_fails_and_leaves_nothing(
    bulk: BatchService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("clips").mkdir()
    for number in range(2):
        Path("clips", f"{number}.mp4").write_bytes(OTHERS["clip.mp4"])
    result = run(bulk.url, "submit", *words, "--style", URL, "--out", "out")
    assert (result.exit_code, bulk.requests) == (1, [])
    assert result.output == "Error: There is nothing to paint; 2 files skipped: 2 .mp4\n"
    assert not Path("out").exists()


def test_a_folder_of_styles_is_looked_into_alike(bulk: BatchService, mixed: Path, out: Path) -> None:
    photo = mixed / "a.JPG"
    assert run(bulk.url, "submit", photo, "--style", mixed, "--out", out).exit_code == 0
    assert len(manifest_in(out)["pictures"]) == len(PICTURES)
    assert sum(each["count"] for each in manifest_in(out)["skipped"]) == 8


def test_a_file_with_only_the_name_of_a_picture_fails_and_its_kind_is_named(
    bulk: BatchService, mixed: Path, out: Path
) -> None:
    (mixed / "phone.jpg").write_bytes(OTHERS["clip.mp4"])
    result = run(bulk.url, "submit", mixed, "--style", URL, "--out", out)
    assert result.exit_code == 1
    assert (
        "phone.jpg is not a JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP or GIF file but a video (not-a-picture)"
        in result.output
    )


def test_a_text_that_came_since_makes_no_other_command(bulk: BatchService, mixed: Path, out: Path) -> None:
    words = ("submit", mixed, "--style", URL, "--out", out)
    assert run(bulk.url, *words).exit_code == 0
    (mixed / "notes.txt").write_text("new")
    assert "Nothing to submit" in run(bulk.url, *words).output


def test_a_name_that_is_no_text_can_be_skipped(bulk: BatchService, mixed: Path, out: Path) -> None:
    Path(mixed, b"caf\xe9.mp4".decode(errors="surrogateescape")).write_bytes(OTHERS["clip.mp4"])
    assert run(bulk.url, "submit", mixed, "--style", URL, "--out", out).exit_code == 0
    assert any(file.endswith("caf?.mp4") for each in manifest_in(out)["skipped"] for file in each["files"])
