"""The manifest in an output folder decides which command may go on with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.folder.manifest import read_manifest, write_manifest
from tests.unit.batch_service import BatchService
from tests.unit.client_server import JPEG
from tests.unit.command_service import run


def test_the_same_command_again_submits_nothing_and_says_so(
    bulk: BatchService, command: list[str], out: Path
) -> None:
    assert run(bulk.url, *command).exit_code == 0
    before = len(bulk.requests)
    for words in (command, ["resume", str(out)]):
        result = run(bulk.url, *words)
        assert result.exit_code == 0
        assert "Nothing to" in result.output
        assert "6 of 6 picture(s) saved" in result.output
    assert len(bulk.requests) == before


def test_the_same_command_again_has_the_exit_code_of_the_first(
    bulk: BatchService, command: list[str], folder: Path
) -> None:
    (folder / "bad.jpg").write_bytes(JPEG)
    results = [run(bulk.url, *command) for _ in range(2)]
    assert [result.exit_code for result in results] == [1, 1]
    assert "Nothing to submit" in results[1].output
    assert "The file is damaged. (image-undecodable)" in results[1].output
    assert len(bulk.batches) == 1


def test_another_command_is_kept_out_of_the_folder(bulk: BatchService, command: list[str]) -> None:
    assert run(bulk.url, *command).exit_code == 0
    result = run(bulk.url, *command, "--quality", "50")
    assert result.exit_code == 1
    assert "--quality was 92 and is 50. Choose another --out\n" in result.output
    assert len(bulk.batches) == 1


def test_another_service_is_not_given_what_was_submitted_already(
    bulk: BatchService, command: list[str]
) -> None:
    assert run(bulk.url, *command).exit_code == 0
    with BatchService() as other:
        result = run(other.url, *command)
    assert (result.exit_code, other.batches) == (1, {})
    assert f"was submitted to {bulk.url} and not to {other.url}" in result.output


def test_a_command_that_was_never_submitted_may_be_changed(
    bulk: BatchService, command: list[str], folder: Path, out: Path
) -> None:
    assert run(bulk.url, *command).exit_code == 0
    manifest = read_manifest(out)
    assert manifest is not None
    write_manifest(manifest.model_copy(update={"sent_at": None, "batch_id": None}), out)
    (folder / "9.jpg").write_bytes(JPEG)
    assert run(bulk.url, *command).exit_code == 0
    assert len(bulk.batches) == 2


def test_resume_takes_another_address_for_a_service_that_moved(
    bulk: BatchService, command: list[str], out: Path
) -> None:
    assert run(bulk.url, *command).exit_code == 0
    (out / "0--wave.jpg").unlink()
    manifest = read_manifest(out)
    assert manifest is not None
    with BatchService() as gone:
        write_manifest(manifest.model_copy(update={"api": gone.url}), out)
    lost = run(bulk.url, "resume", out, given=False)
    assert (lost.exit_code, f"No service answers at {gone.url}" in lost.output) == (1, True)
    assert run(bulk.url, "resume", out).exit_code == 0
    assert read_manifest(out) == manifest


def test_a_submission_without_an_answer_is_not_repeated_after_the_key_is_forgotten(
    bulk: BatchService, command: list[str], out: Path
) -> None:
    assert run(bulk.url, *command).exit_code == 0
    manifest = read_manifest(out)
    assert manifest is not None
    assert manifest.sent_at is not None
    yesterday = manifest.sent_at.replace(year=manifest.sent_at.year - 1)
    lost = {"sent_at": yesterday, "batch_id": None, "harvested": False}
    write_manifest(manifest.model_copy(update=lost), out)
    (out / "0--wave.jpg").unlink()
    result = run(bulk.url, "resume", out)
    assert result.exit_code == 1
    assert "stylequeue batch list" in result.output
    assert len(bulk.asked("POST /v1/batches")) == 1


@pytest.mark.parametrize("content", ["{}", "no json", '{"version": 2}'])
def test_a_foreign_manifest_is_named_and_left_alone(
    bulk: BatchService, command: list[str], out: Path, content: str
) -> None:
    out.mkdir()
    (out / "manifest.json").write_text(content)
    for words in (command, ["resume", str(out)]):
        result = run(bulk.url, *words)
        assert result.exit_code == 1
        assert "was not written by this version of stylequeue" in result.output
    assert (out / "manifest.json").read_text() == content


def test_a_folder_without_a_manifest_is_named_with_what_would_write_one(
    bulk: BatchService, tmp_path: Path
) -> None:
    result = run(bulk.url, "resume", tmp_path)
    assert result.exit_code == 1
    assert "has no manifest.json; `stylequeue submit ... --out DIR` writes it" in result.output
