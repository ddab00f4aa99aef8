"""`stylequeue submit`, against a loopback service that takes batches."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from shared.request_errors import RequestError
from tests.unit.batch_service import EVERYTHING, BatchService
from tests.unit.client_server import JPEG, TRUNCATED, URL, problem
from tests.unit.command_service import on_a_terminal, run

# Refusals that do not say whether the service accepted an earlier request with the same idempotency key
LEAVES_OPEN = {
    "idempotency-in-progress",
    "idempotency-key-reused",
    "rate-limited",
    "too-many-streams",
    "unauthenticated",
}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "new" / "out"


def submit(service: BatchService, *arguments: object, style: object = URL) -> str:
    """Return the output of a command that succeeds."""
    result = run(service.url, "submit", *arguments, "--style", style)
    assert result.exit_code == 0, result.output
    return result.output


def files_in(folder: Path) -> list[str]:
    """Return all files but the manifest."""
    files = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(set(files) - {"manifest.json"})


def pictures_in(folder: Path) -> list[dict[str, Any]]:
    pictures: list[dict[str, Any]] = json.loads((folder / "manifest.json").read_text())["pictures"]
    return pictures


def test_every_photo_is_painted_with_every_style_in_one_batch(
    bulk: BatchService, photos: Path, out: Path
) -> None:
    other = "s3://styles/night%20sky.png?v=2"
    wave = photos.parent / "wave.png"
    output = submit(bulk, photos / "cat.jpg", URL, "--style", wave, "--out", out, style=other)
    names = ["cat--night sky.jpg", "cat--wave.jpg", "wave--night sky.jpg", "wave--wave.jpg"]
    assert files_in(out) == names
    assert output.count("] saved ") == 4
    assert "[4/4] saved" in output
    assert "4 of 4 picture(s) saved" in output
    [post] = bulk.asked("POST /v1/batches")
    assert post.headers["content-type"] == "application/x-ndjson"
    assert int(post.headers["content-length"]) == len(post.body)
    assert bulk.asked("POST /v1/jobs") == []


def test_the_options_reach_the_jobs_and_defaults_are_not_sent(
    bulk: BatchService, photos: Path, out: Path
) -> None:
    wishes = ["--max-side", "512", "--format", "webp", "--quality", "80", "--lane", "high"]
    wishes += ["--strength", "0.5", "--preserve-color", "luminance"]
    submit(bulk, photos / "cat.jpg", "--out", out, *wishes)
    submit(bulk, photos / "cat.jpg", "--out", out.parent / "plain")
    wished, plain = bulk.submitted
    assert wished["params"] == {"strength": 0.5, "max_side": 512, "preserve_color": "luminance"}
    assert (wished["output"], wished["lane"]) == ({"format": "webp", "quality": 80}, "high")
    assert files_in(out) == ["cat--wave--strength-0.5.webp"]
    assert plain.keys() == {"content", "style", "custom_id", "metadata"}
    assert plain["custom_id"] == "cat--wave.jpg"
    assert plain["metadata"] == {"photo": "cat.jpg", "style": "wave.jpg"}


def test_a_folder_is_searched_and_its_sub_folders_are_kept(bulk: BatchService, photos: Path) -> None:
    (photos / "bad.jpg").unlink()
    (photos / "notes.txt").write_text("no picture")
    (photos / ".hidden.jpg").write_bytes(JPEG)
    (photos / ".cache").mkdir()
    (photos / ".cache" / "thumb.jpg").write_bytes(JPEG)
    (photos / "painted").mkdir()
    (photos / "painted" / "old--wave.jpg").write_bytes(JPEG)
    submit(bulk, photos, "--out", photos / "painted")
    assert files_in(photos / "painted") == ["cat--wave.jpg", "more/cat--wave.jpg", "old--wave.jpg"]
    assert [picture["file"] for picture in pictures_in(photos / "painted")] == [
        "cat--wave.jpg",
        "more/cat--wave.jpg",
    ]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("photos/*.jpg", ["bad--wave.jpg", "cat--wave.jpg"]),
        ("photos/**/cat.*", ["cat--wave.jpg", "more/cat--wave.jpg"]),
        ("pho*s/more/*", ["photos/more/cat--wave.jpg"]),
    ],
)
def test_a_quoted_pattern_finds_what_the_shell_would(
    bulk: BatchService,
    photos: Path,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    pattern: str,
    expected: list[str],
) -> None:
    monkeypatch.chdir(photos.parent)
    run(bulk.url, "submit", pattern, "--style", URL, "--out", out)
    assert [picture["file"] for picture in pictures_in(out)] == expected


def test_each_distinct_file_is_uploaded_once(bulk: BatchService, photos: Path, out: Path) -> None:
    (photos / "copy.jpg").write_bytes((photos / "cat.jpg").read_bytes())
    (photos / "bad.jpg").unlink()
    wave = photos.parent / "wave.png"
    output = submit(bulk, photos, photos / "cat.jpg", "--style", wave, "--out", out)
    puts = [request.path for request in bulk.requests if request.method == "PUT"]
    assert len(puts) == len(set(puts)) == len(bulk.stored) == 3
    assert len(bulk.asked("POST /v1/uploads")) == 3
    assert "3 file(s): 3 uploaded" in output
    assert "0 uploaded (0.0 MB), 3 already there" in submit(
        bulk, photos, "--style", wave, "--out", out / "again"
    )


def test_no_result_takes_the_name_of_another_or_of_a_file(
    bulk: BatchService, photos: Path, out: Path
) -> None:
    out.mkdir(parents=True)
    (out / "Cat-Photos--Wave.jpg").write_bytes(b"mine")
    submit(bulk, photos / "cat.jpg", photos / "more" / "cat.PNG", "--out", out)
    assert (out / "Cat-Photos--Wave.jpg").read_bytes() == b"mine"
    assert files_in(out) == ["Cat-Photos--Wave.jpg", "cat-more--wave.jpg", "cat-photos--wave-2.jpg"]


def test_failures_are_listed_with_their_reasons_and_the_rest_is_saved(
    bulk: BatchService, photos: Path, out: Path
) -> None:
    (photos / "text[red].jpg").write_bytes(b"no picture")
    (photos / "refused.jpg").write_bytes(JPEG)
    result = run(bulk.url, "submit", photos, "--style", URL, "--out", out)
    assert result.exit_code == 1
    assert files_in(out) == ["cat--wave.jpg", "more/cat--wave.jpg"]
    assert "2 of 5 picture(s) saved in" in result.output
    assert ", 1 unusable, 1 rejected, 1 failed\n" in result.output
    for expected in (
        f"failed {photos / 'bad.jpg'} in the style of wave.jpg: "
        "The file is damaged. (image-undecodable), job batch-1-1\n",
        f"failed {photos / 'refused.jpg'} in the style of wave.jpg: "
        "Another bucket than the service's (/content/url) (source-not-allowed), line 4 of the batch\n",
        "1 picture(s) cannot be painted; a retry would not help.",
    ):
        assert result.output.count(expected) == 1
    table = result.output[result.output.index("No picture was made of these") :]
    assert (
        "text[red].jpg is not a JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP or GIF file (not-a-picture)" in table
    )
    assert ("bad.jpg" in table, "batch retry" in table) == (False, False)
    errors = {picture["input"].rpartition("/")[2]: picture for picture in pictures_in(out)}
    assert errors["refused.jpg"]["error"]["code"] == "source-not-allowed"
    assert errors["text[red].jpg"]["line"] is None
    assert {name: picture["status"] for name, picture in errors.items()} == {
        "bad.jpg": "failed",
        "cat.jpg": "saved",
        "cat.PNG": "saved",
        "refused.jpg": "rejected",
        "text[red].jpg": "unusable",
    }


def test_pictures_from_damaged_files_are_saved_and_named(bulk: BatchService, photos: Path, out: Path) -> None:
    (photos / "cut.jpg").write_bytes(JPEG + b"cut")
    (photos / "bad.jpg").unlink()
    output = submit(bulk, photos, "--out", out)
    assert "3 of 3 picture(s) saved in" in output
    table = output[output.index("Painted, with a remark") :]
    assert "cut.jpg" in table
    assert "cat" not in table
    assert TRUNCATED["detail"] in table
    kept = {picture["input"].rpartition("/")[2]: picture["warnings"] for picture in pictures_in(out)}
    assert kept == {"cat.PNG": [], "cat.jpg": [], "cut.jpg": [TRUNCATED]}


def test_on_a_terminal_the_first_failures_are_a_table_and_the_manifest_has_all(
    bulk: BatchService, photos: Path, out: Path
) -> None:
    for number in range(30):
        (photos / f"bad{number}.jpg").write_bytes(JPEG + bytes([number]))
    _, output = on_a_terminal(200, "--api", bulk.url, "submit", photos, "--style", URL, "--out", out)
    assert "] failed " not in output
    table = output[output.index("No picture was made of these") :]
    assert table.count("in the style of") == 20
    assert "job batch-1-1" in table
    assert f"... and 11 more; all of them are in {out / 'manifest.json'}" in table
    assert sum(picture["status"] == "failed" for picture in pictures_in(out)) == 31


def test_a_file_that_the_service_does_not_take_keeps_no_other_out(
    bulk: BatchService, photos: Path, out: Path
) -> None:
    (photos / "bad.jpg").write_bytes(JPEG * 100)
    bulk.largest_upload = 100
    result = run(bulk.url, "submit", photos, "--style", URL, "--out", out)
    assert result.exit_code == 1
    assert "(body-too-large)" in result.output
    assert files_in(out) == ["cat--wave.jpg", "more/cat--wave.jpg"]
    assert [job["metadata"]["photo"] for job in bulk.submitted] == ["cat.jpg", "cat.PNG"]


def test_a_batch_that_is_refused_says_why_and_leaves_the_folder_to_a_better_one(
    bulk: BatchService, photos: Path, out: Path
) -> None:
    errors = [{"pointer": "/0/content/url", "detail": "line 1: Another bucket"}]
    refusal = problem(422, "batch-rejected", "None of the lines can be accepted", errors=errors)
    bulk.scripted = [refusal]
    result = run(bulk.url, "submit", photos / "cat.jpg", "--style", URL, "--out", out)
    assert result.exit_code == 1
    assert "None of the lines can be accepted" in result.output
    assert f"{photos / 'cat.jpg'}: line 1: Another bucket" in result.output
    assert files_in(out) == []
    submit(bulk, photos / "cat.jpg", "--out", out, "--quality", "50")


def refusals() -> list[type[RequestError]]:
    """Return all errors with which the service refuses a request."""
    kinds = RequestError.__subclasses__()
    for kind in kinds:
        kinds += kind.__subclasses__()
    return kinds


@pytest.mark.parametrize("refusal", refusals(), ids=lambda refusal: refusal.code)
def test_a_refusal_that_says_that_nothing_was_accepted_leaves_the_folder_to_another_command(
    bulk: BatchService, photos: Path, out: Path, refusal: type[RequestError]
) -> None:
    headers = {"Retry-After": "3600"}
    bulk.scripted = [problem(refusal.status, refusal.code, "No", headers=headers)]
    words = ("submit", photos / "cat.jpg", "--style", URL, "--out", out)
    assert run(bulk.url, *words).exit_code == 1
    bulk.scripted = []
    other = run(bulk.url, *words, "--quality", "50")
    if refusal.code in LEAVES_OPEN:
        assert "belongs to another command" in other.output
    else:
        assert other.exit_code == 0, other.output


def test_a_download_that_had_no_room_can_be_resumed(bulk: BatchService, photos: Path, out: Path) -> None:
    bulk.scripted = [problem(507, "quota-full", "You have as much as you may")]
    assert run(bulk.url, "submit", photos / "cat.jpg", "--style", URL, "--out", out).exit_code == 1
    assert run(bulk.url, "resume", out).exit_code == 0
    assert files_in(out) == ["cat--wave.jpg"]


def test_an_error_within_the_service_leaves_open_what_it_accepted(
    bulk: BatchService, photos: Path, out: Path
) -> None:
    bulk.scripted = [problem(500, "internal-error", "Something failed")]
    words = ("submit", photos / "cat.jpg", "--style", URL, "--out", out)
    assert run(bulk.url, *words).exit_code == 1
    assert "belongs to another command" in run(bulk.url, *words, "--quality", "50").output


def test_a_busy_queue_is_asked_again(bulk: BatchService, photos: Path, out: Path) -> None:
    later = {"Retry-After": "0"}
    bulk.scripted = [
        problem(429, "queue-full", "The queue is full", headers=later),
        problem(409, "idempotency-in-progress", "The same request is being accepted", headers=later),
    ]
    submit(bulk, photos / "cat.jpg", "--out", out)
    assert len({request.headers["idempotency-key"] for request in bulk.asked("POST /v1/batches")}) == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["photos/none.jpg"], "there is no file photos/none.jpg"),
        (["photos/*.gif"], "no file matches photos/*.gif"),
        (["photos/empty"], "the folder photos/empty is empty"),
        (["photos", "--out", "photos"], "photos is also --out"),
        (["s3://bucket"], "for all pictures in it write s3://bucket/"),
        (["https://a b"], "is not an https:// or s3:// URL"),
        (["s3:///a/"], "s3:///a/ is not a folder of a bucket; write it as s3://bucket/folder/"),
        (["s3://bucket/a/", "photos"], "s3://bucket/a/ must be the only PHOTO"),
        (["photos", "--style", "s3://bucket/a/"], "is a folder of a bucket; as a style, name a picture"),
        (
            ["photos", "--style", "notes.jpg"],
            "notes.jpg is not a JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP or GIF file",
        ),
        (["photos", "--max-side", "9"], "--max-side"),
        (["photos", "--format", "gif"], "--format"),
        (["photos", "--lane", "fast"], "--lane"),
    ],
)
def test_a_nonsensical_option_is_a_usage_error_before_anything_is_sent(
    bulk: BatchService,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(photos.parent)
    (photos / "empty").mkdir()
    Path("notes.jpg").write_text("no picture")
    folder = [] if "--out" in arguments else ["--out", "out"]
    result = run(bulk.url, "submit", "--style", URL, *folder, *arguments)
    assert result.exit_code == 2
    assert complaint in " ".join(result.output.split())
    assert bulk.requests == []
    assert not Path("out").exists()


def test_a_service_that_is_not_there_is_named_with_the_way_to_start_one(photos: Path, out: Path) -> None:
    with BatchService() as gone:
        nowhere = gone.url
    result = run(nowhere, "submit", photos / "cat.jpg", "--style", URL, "--out", out)
    assert result.exit_code == 1
    message = f"Error: No service answers at {nowhere}. Is it running? Start one with: stylequeue up\n"
    assert result.output == message
    assert files_in(out) == []


def test_on_a_terminal_a_bar_moves_and_leaves_a_sentence(bulk: BatchService, photos: Path, out: Path) -> None:
    bulk.waits_for = "No worker that serves the lane 'bulk' was seen in the last 15 s"
    bulk.ending = 0
    Thread(target=lambda: bulk.settled.wait(30) and setattr(bulk, "ending", EVERYTHING)).start()
    arguments = ["--api", bulk.url, "submit", photos / "cat.jpg", "--style", URL, "--out", out]
    exit_code, output = on_a_terminal(100, *arguments)
    assert exit_code == 0
    for expected in (
        "uploading",
        "painting",
        "0/1",
        "1/1",
        "waiting for a worker",
        f"wait: {bulk.waits_for}",
    ):
        assert expected in output
    assert "\x1b[2K" in output  # the bar's line is drawn over
    assert "] saved " not in output
    assert output.rstrip().endswith(f"1 of 1 picture(s) saved in {out}")
