"""`stylequeue submit s3://bucket/folder/`: the service finds the photos."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.batch_service import BatchService
from tests.unit.client_server import URL
from tests.unit.command_service import run

PREFIX = "s3://photos/2026/"
OTHER = "https://pictures.example/scream.png"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def files_in(out: Path) -> set[str]:
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    return files - {"manifest.json"}


def test_the_service_is_given_the_prefix_and_names_the_pictures(bulk: BatchService, out: Path) -> None:
    bulk.listing = ["harbor.jpg", "trip/day 1/cat.png"]
    wishes = ["--style", URL, "--style", OTHER, "--strength", "0.5"]
    result = run(bulk.url, "submit", PREFIX, *wishes, "--out", out)
    assert result.exit_code == 0, result.output
    assert json.loads(bulk.asked("POST /v1/batches")[0].body) == {
        "content_prefix": PREFIX,
        "styles": [{"url": URL}, {"url": OTHER}],
        "defaults": {"params": {"strength": 0.5}, "output": {}, "lane": "bulk"},
        "metadata": {},
    }
    assert files_in(out) == {
        f"{photo}--{style}--strength-0.5.jpg"
        for photo in ("harbor", "trip/day 1/cat")
        for style in ("wave", "scream")
    }
    pictures = json.loads((out / "manifest.json").read_text())["pictures"]
    assert {picture["input"] for picture in pictures} == {PREFIX + key for key in bulk.listing}
    assert sorted(picture["line"] for picture in pictures) == [1, 2, 3, 4]


def test_a_style_that_is_a_file_is_uploaded(bulk: BatchService, photos: Path, out: Path) -> None:
    bulk.listing = ["harbor.jpg"]
    assert run(bulk.url, "submit", PREFIX, "--style", photos.parent / "wave.png", "--out", out).exit_code == 0
    (upload_id,) = bulk.stored
    assert bulk.submitted[0]["styles"] == [{"upload_id": upload_id}]


@pytest.mark.parametrize("key", ["../../etc/x.jpg", "/etc/../x.jpg", "a/\n/x.jpg", ".../x.jpg"])
def test_no_key_leads_out_of_the_folder(bulk: BatchService, out: Path, key: str) -> None:
    bulk.listing = [key]
    assert run(bulk.url, "submit", PREFIX, "--style", URL, "--out", out).exit_code == 0
    (file,) = files_in(out)
    assert file in {"x--wave.jpg", "etc/x--wave.jpg", "a/x--wave.jpg"}
    assert [path for path in out.parent.rglob("*.jpg") if out not in path.parents] == []


def test_after_a_kill_files_that_the_manifest_does_not_know_are_not_doubled(
    bulk: BatchService, out: Path
) -> None:
    bulk.listing = ["cat.jpg", "cat.png"]
    command = ["submit", PREFIX, "--style", URL, "--out", out]
    assert run(bulk.url, *command).exit_code == 0
    manifest = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps({**manifest, "harvested": False, "pictures": []}))
    assert run(bulk.url, *command).exit_code == 0
    assert files_in(out) == {"cat--wave.jpg", "cat--wave-2.jpg"}
    assert len(bulk.batches) == 1


def test_a_failure_is_reported_with_the_key(bulk: BatchService, out: Path) -> None:
    bulk.listing = ["bad.jpg", "cat.jpg"]
    result = run(bulk.url, "submit", PREFIX, "--style", URL, "--out", out)
    assert result.exit_code == 1
    assert f"failed {PREFIX}bad.jpg in the style of wave.jpg: The file is damaged." in result.output


def test_what_is_new_in_the_bucket_is_not_looked_for_and_the_command_says_so(
    bulk: BatchService, out: Path
) -> None:
    bulk.listing = ["cat.jpg"]
    words = ("submit", PREFIX, "--style", URL, "--out", out)
    assert run(bulk.url, *words).exit_code == 0
    bulk.listing = ["cat.jpg", "dog.jpg"]
    output = run(bulk.url, *words).output
    assert f"To paint what is new or changed below {PREFIX}, choose another --out.\n" in output
    further = run(bulk.url, *words, "--style", OTHER)
    assert further.exit_code == 1
    reason = "with s3://bucket/folder/, the photos and styles must stay the same. Choose another --out\n"
    assert further.output.endswith(reason), "there is nothing to continue"


def test_keys_that_the_service_skipped_are_counted(bulk: BatchService, out: Path) -> None:
    bulk.listing = ["cat.jpg"]
    bulk.skipped = [{"kind": ".mp4", "count": 2}, {"kind": "no suffix", "count": 1}]
    result = run(bulk.url, "submit", PREFIX, "--style", URL, "--out", out)
    assert result.exit_code == 0
    assert "Batch batch-1: 1 job(s), 3 files skipped: 2 .mp4, 1 no suffix\n" in result.output
    manifest = json.loads((out / "manifest.json").read_text())
    assert [(each["kind"], each["count"]) for each in manifest["skipped"]] == [(".mp4", 2), ("no suffix", 1)]
    assert "3 files skipped: 2 .mp4, 1 no suffix" in run(bulk.url, "batch", "status", "batch-1").output
