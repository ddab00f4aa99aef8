"""The service as people install it: from its wheel, without the repository."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from tests.stacks.fresh_environment import ENVIRONMENT, ROOT, build, install, run
from tests.stacks.servers import running, wait_until

START_SECONDS = 120  # on a machine that is busy with other tests


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    return install(build(ROOT, folder / "dist"), folder / "venv", "local")


def test_nothing_is_imported_from_the_repository(programs: Path, tmp_path: Path) -> None:
    names = "api, client, local, samples, shared, simulation, worker"
    program = f"import {names}\nprint(*(one.__path__[0] for one in ({names})), sep='\\n')"
    places = run(programs / "python", "-c", program, cwd=tmp_path).splitlines()
    assert all(Path(place).is_relative_to(programs.parent) for place in places), places


def test_the_stack_starts_paints_and_stops(programs: Path, tmp_path: Path, model_cache: Path) -> None:
    command = [str(programs / "stylequeue"), "up", "--port", "0", "--workers", "1", "--optimizers", "0"]
    environment = {**ENVIRONMENT, "HOME": str(tmp_path), "STYLEQUEUE_CACHE_DIR": str(model_cache)}
    log = tmp_path / "up.log"
    with running(command, log, environment, cwd=tmp_path):
        wait_until(lambda: re.search(r"^ready", log.read_text(), re.MULTILINE), START_SECONDS, "the stack")
        (url,) = re.findall(r"ready (\S+)", log.read_text())
        photograph, style = ROOT / "samples/content/cat.jpg", next((ROOT / "samples/style").iterdir())
        submit = ("submit", photograph, "--style", style, "--out", "painted")
        said = run(programs / "stylequeue", "--api", url, *submit, cwd=tmp_path)
    assert "1 of 1 picture(s) saved" in said


def test_the_demo_shows_every_photograph_in_every_style(
    programs: Path, tmp_path: Path, model_cache: Path
) -> None:
    places = {"HOME": str(tmp_path), "STYLEQUEUE_CACHE_DIR": str(model_cache)}
    printed = run(programs / "stylequeue", "demo", "--out", "demo-out", cwd=tmp_path, **places)
    assert "contact-sheet.jpg" in printed
    out = tmp_path / "demo-out"
    summary = json.loads((out / "summary.json").read_text())
    pairs = {(job["content"], job["style"]) for job in summary["jobs"]}
    assert len(pairs) == len(summary["jobs"]) >= 4 * 3
    for job in summary["jobs"]:
        assert job["status"] == "succeeded"
        with Image.open(out / job["file"]) as picture:
            assert picture.size == (job["width"], job["height"])
    with Image.open(out / "contact-sheet.jpg") as sheet:
        assert min(sheet.size) > 800
