"""`stylequeue submit` with several ways to paint, and given again when a folder has grown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.batch_service import BatchService
from tests.unit.client_server import JPEG, PNG, URL
from tests.unit.command_service import run


@pytest.fixture
def album(tmp_path: Path) -> Path:
    for name in ("photos/cat.jpg", "photos/dog.jpg", "monet/wave.jpg", "klee/wave.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(JPEG + name.encode())
    return tmp_path


def submit(service: BatchService, album: Path, *words: object, exit_code: int = 0) -> str:
    result = run(service.url, "submit", album / "photos", "--out", album / "out", *words)
    assert result.exit_code == exit_code, result.output
    return result.output


def files_in(album: Path) -> list[str]:
    return sorted(path.name for path in (album / "out").iterdir() if path.name != "manifest.json")


def jobs(service: BatchService) -> list[dict[str, Any]]:
    """Return the jobs of the last batch."""
    return [json.loads(line) for line in service.asked("POST /v1/batches")[-1].body.splitlines()]


def test_each_photo_is_painted_in_each_style_at_each_strength(bulk: BatchService, album: Path) -> None:
    styles = ["--style", album / "monet" / "wave.jpg", "--style", album / "klee" / "wave.jpg"]
    submit(bulk, album, *styles, "--strength", "0.5", "--strength", "1")
    assert files_in(album) == [
        f"{photo}--wave-{style}--strength-{strength}.jpg"
        for photo in ("cat", "dog")
        for style in ("klee", "monet")
        for strength in ("0.5", "1")
    ]
    assert [job.get("params", {}) for job in jobs(bulk)[:2]] == [{"strength": 0.5}, {}]


def test_a_blend_is_one_style_with_weights(bulk: BatchService, album: Path) -> None:
    blend = f"{album / 'monet' / 'wave.jpg'}:0.7+{URL}:0.3"
    submit(bulk, album, "--style", blend)
    name = "wave-monet-0.7+wave-pictures.example-0.3"
    assert files_in(album) == [f"cat--{name}.jpg", f"dog--{name}.jpg"]
    job = jobs(bulk)[0]
    first, second = job["styles"]
    assert (first["weight"], second["weight"], second["url"]) == (0.7, 0.3, URL)
    assert "upload_id" in first
    assert job["metadata"] == {"photo": "cat.jpg", "style": "wave.jpg:0.7+wave.jpg:0.3"}


@pytest.mark.parametrize("weights", [("0.7", "0.3"), ("0.3", "0.3"), ("0.7", "0.9")])
def test_another_weight_of_a_blend_is_another_style(
    bulk: BatchService, album: Path, weights: tuple[str, str]
) -> None:
    def blend(first: str, second: str) -> str:
        return f"{album / 'monet' / 'wave.jpg'}:{first}+https://pictures.example/sea.jpg?of=day:{second}"

    submit(bulk, album, "--style", blend("0.7", "0.2"))
    output = submit(bulk, album, "--style", blend(*weights))
    assert "2 picture(s) to make at" in output
    assert "cat--wave-{}+sea-{}.jpg".format(*weights) in files_in(album)
    assert len(files_in(album)) == 4
    assert "Nothing to submit" in submit(bulk, album, "--style", blend(*weights))


def test_a_blend_of_a_file_that_is_not_there_is_a_usage_error(bulk: BatchService, album: Path) -> None:
    output = submit(bulk, album, "--style", "none.jpg:0.7+other.jpg:0.3", exit_code=2)
    assert "there is no file none.jpg, a style of the blend" in " ".join(output.split())


def test_the_same_command_makes_only_what_is_new_or_changed(bulk: BatchService, album: Path) -> None:
    submit(bulk, album, "--style", URL)
    kept = (album / "out" / "dog--wave.jpg").stat().st_mtime_ns
    (album / "photos" / "cat.jpg").write_bytes(JPEG + b"another cat")
    (album / "photos" / "owl.jpg").write_bytes(JPEG + b"owl")
    output = submit(bulk, album, "--style", URL)
    assert "2 picture(s) to make at" in output
    assert "; 1 are already there" in output
    assert "3 of 3 picture(s) saved" in output
    assert [job["metadata"]["photo"] for job in jobs(bulk)] == ["cat.jpg", "owl.jpg"]
    assert files_in(album) == ["cat--wave.jpg", "dog--wave.jpg", "owl--wave.jpg"]
    assert (album / "out" / "dog--wave.jpg").stat().st_mtime_ns == kept
    assert "Nothing to submit" in submit(bulk, album, "--style", URL)


def test_photos_of_one_name_get_the_suffix_by_which_they_differ(bulk: BatchService, album: Path) -> None:
    (album / "photos" / "cat.png").write_bytes(PNG)
    submit(bulk, album, "--style", URL)
    assert files_in(album) == ["cat-jpg--wave.jpg", "cat-png--wave.jpg", "dog--wave.jpg"]


def test_a_changed_photo_keeps_the_name_of_its_result(bulk: BatchService, album: Path) -> None:
    submit(bulk, album, "--style", URL)
    (album / "photos" / "cat.jpg").write_bytes(JPEG + b"another cat")
    (album / "photos" / "cat.png").write_bytes(PNG)
    submit(bulk, album, "--style", URL, "--style", album / "klee" / "wave.jpg")
    names = ["cat--wave.jpg", "cat-jpg--wave-klee.jpg", "cat-png--wave-klee.jpg"]
    names += ["cat-png--wave-pictures.example.jpg", "dog--wave-klee.jpg", "dog--wave.jpg"]
    assert files_in(album) == names
    assert [job["metadata"]["photo"] for job in jobs(bulk)] == ["cat.jpg"] * 2 + ["cat.png"] * 2 + ["dog.jpg"]


def test_another_strength_or_style_adds_to_a_folder(bulk: BatchService, album: Path) -> None:
    (album / "photos" / "dog.jpg").unlink()
    submit(bulk, album, "--style", URL)
    submit(bulk, album, "--style", URL, "--strength", "0.5")
    output = submit(bulk, album, "--style", album / "klee" / "wave.jpg")
    assert "1 picture(s) to make at" in output
    assert files_in(album) == ["cat--wave--strength-0.5.jpg", "cat--wave-klee.jpg", "cat--wave.jpg"]
    assert "3 of 3 picture(s) saved" in output


def test_another_option_is_refused_and_named(bulk: BatchService, album: Path) -> None:
    submit(bulk, album, "--style", URL)
    words = ("--style", URL, "--quality", "50", "--max-side", "512")
    output = " ".join(submit(bulk, album, *words, exit_code=1).split())
    assert "--max-side was not set and is 512, --quality was 92 and is 50" in output


def test_a_refused_addition_leaves_what_was_saved(bulk: BatchService, album: Path) -> None:
    submit(bulk, album, "--style", URL)
    (album / "photos" / "refused.jpg").write_bytes(JPEG)
    submit(bulk, album, "--style", URL, exit_code=1)
    (album / "photos" / "refused.jpg").unlink()
    output = submit(bulk, album, "--style", URL)
    assert "0 picture(s) to make at" in output
    assert "2 are already there" in output
