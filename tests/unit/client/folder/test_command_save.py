"""`stylequeue save` fetches pictures after the command that ordered them is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.client_server import failed, job, succeeded
from tests.unit.command_service import Service, picture, run

NOTES = {"photo": "cat.jpg", "style": "wave.png"}


def test_a_picture_is_saved_under_the_name_that_submit_gives(service: Service, tmp_path: Path) -> None:
    service.jobs["j1"] = succeeded(picture("j1"), "j1", metadata=NOTES)
    result = run(service.url, "save", "j1", "--out", tmp_path / "new")
    file = tmp_path / "new" / "cat--wave.jpg"
    assert (result.exit_code, result.output) == (0, f"saved  {file}\n")
    assert file.read_bytes() == picture("j1")


def test_the_name_tells_the_weights_of_a_blend_and_the_strength(service: Service, tmp_path: Path) -> None:
    notes = {"photo": "cat.jpg", "style": "wave.png:0.7+night sky.jpg:0.3"}
    view = succeeded(picture("j1"), "j1", metadata=notes)
    service.jobs["j1"] = {**view, "request": {**view["request"], "params": {"strength": 0.5}}}
    assert run(service.url, "save", "j1", "--out", tmp_path).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["cat--wave-0.7+night sky-0.3--strength-0.5.jpg"]


def test_a_job_without_notes_gives_its_id_to_the_file(service: Service, tmp_path: Path) -> None:
    service.jobs["j1"] = succeeded(picture("j1"), "j1")
    assert run(service.url, "save", "j1", "--out", tmp_path).exit_code == 0
    assert (tmp_path / "j1.jpg").read_bytes() == picture("j1")


def test_saving_again_neither_doubles_a_picture_nor_replaces_another(
    service: Service, tmp_path: Path
) -> None:
    service.jobs = {name: succeeded(picture(name), name, metadata=NOTES) for name in ("j1", "j2")}
    (tmp_path / "cat--wave.jpg").write_bytes(b"mine")
    for _ in range(2):
        assert run(service.url, "save", "j1", "j2", "--out", tmp_path).exit_code == 0
    contents = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    names = ("cat--wave.jpg", "cat--wave-2.jpg", "cat--wave-3.jpg")
    assert contents == dict(zip(names, (b"mine", picture("j1"), picture("j2")), strict=True))


@pytest.mark.parametrize("name", ["../../x.jpg", "/etc/x.jpg", "a/\n/x.jpg"])
def test_notes_cannot_lead_out_of_the_folder(service: Service, tmp_path: Path, name: str) -> None:
    service.jobs["j1"] = succeeded(picture("j1"), "j1", metadata={"photo": name, "style": name})
    assert run(service.url, "save", "j1", "--out", tmp_path).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["x--x.jpg"]


def test_missing_pictures_are_reported_job_by_job_and_the_rest_is_saved(
    service: Service, tmp_path: Path
) -> None:
    service.ends = False
    service.jobs = {
        "j1": failed("j1"),
        "j2": job("running", 2, "j2"),
        "j3": succeeded(picture("j3"), "j3"),
    }
    result = run(service.url, "save", "nope", "j1", "j2", "j3", "--out", tmp_path)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "failed nope: There is no job nope.",
        "failed j1: The file is damaged. (image-undecodable)",
        "failed j2: job j2 is still running; there is no picture yet",
        f"saved  {tmp_path / 'j3.jpg'}",
    ]


def test_a_folder_that_cannot_be_made_is_a_message(service: Service, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    service.jobs["j1"] = succeeded(picture("j1"), "j1")
    result = run(service.url, "save", "j1", "--out", tmp_path / "file" / "out")
    assert (result.exit_code, "Not a directory" in result.output) == (1, True)
    assert "Errno" not in result.output
