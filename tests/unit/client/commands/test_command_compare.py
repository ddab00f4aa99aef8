"""`stylequeue compare`, against a loopback service whose two methods end at once."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.losses import OPTIMIZATION, report
from tests.unit.batch_service import BatchService
from tests.unit.client_server import Answer, Request, failed, job, succeeded
from tests.unit.command_service import run

STEP = {"stage": "optimize", "fraction": 0.5, "iteration": 2, "iterations": 3}
LOSSES = {"fast": report(6.0, 2.0), "optimize": report(4.0, 1.0)}


def picture(color: str) -> bytes:
    file = BytesIO()
    Image.new("RGB", (48, 32), color).save(file, "PNG")
    return file.getvalue()


class TwoMethods(BatchService):
    """Each job runs when it is first requested and has ended the next time; `old` workers report
    no losses.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked_for: dict[str, dict[str, Any]] = {}  # by method
        self.old = self.fails = False

    def _answer(self, request: Request) -> Answer:
        if request.route == "POST /v1/jobs":
            wish = json.loads(request.body)
            method = wish["params"].get("method", "fast")
            self.asked_for[method] = wish
            self.jobs[method] = job("queued", 1, method)
            return Answer(202, self.jobs[method])
        if request.path.endswith("/file"):
            return Answer(200, picture("teal"), {"Content-Type": "image/png"})
        return super()._answer(request)

    def _state(self, job_id: str) -> Answer:
        if self.jobs[job_id]["status"] == "queued":
            self.jobs[job_id] = job("running", 2, job_id, progress=STEP)
        elif self.fails and job_id == "optimize":
            self.jobs[job_id] = failed(job_id)
        else:
            self.jobs[job_id] = self._ended(job_id)
        return Answer(200, self.jobs[job_id])

    def _ended(self, method: str) -> dict[str, Any]:
        view = succeeded(picture("teal"), method)
        measured = {"losses": LOSSES[method].model_dump(), "timings_ms": {"model": 50.0, "optimize": 9000.0}}
        if method == "optimize":
            measured["optimization"] = OPTIMIZATION.model_dump()
        view["result"] |= {} if self.old else measured
        return view


@pytest.fixture
def service() -> Iterator[TwoMethods]:
    with TwoMethods() as service:
        yield service


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    files = tmp_path / "cat.png", tmp_path / "wave.png"
    for file, color in zip(files, ("red", "navy"), strict=True):
        file.write_bytes(picture(color))
    return files


def test_both_methods_paint_the_pair_with_the_same_weights_and_size(
    service: TwoMethods, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    wishes = ["--iterations", 3, "--alpha", 2, "--beta", 500, "--max-side", 128]
    result = run(service.url, "compare", *pair, "--out", out, *wishes)
    assert result.exit_code == 0, result.output
    weights = {"alpha": 2.0, "beta": 500.0, "max_side": 128}
    fast, optimize = service.asked_for["fast"], service.asked_for["optimize"]
    assert fast["params"] == {"losses": True, **weights}
    assert optimize["params"] == {"method": "optimize", "iterations": 3, **weights}
    assert fast["content"] == optimize["content"]
    assert fast["output"] == optimize["output"] == {"format": "png"}
    digests = {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in pair}
    assert (fast["content"]["upload_id"], fast["style"]["upload_id"]) == tuple(digests.values())


def test_the_sheet_is_a_picture_and_the_table_has_all_three_losses(
    service: TwoMethods, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    output = run(service.url, "compare", *pair, "--out", out, "--iterations", 3).output
    assert sorted(file.name for file in out.iterdir()) == ["comparison.png", "fast.png", "optimize.png"]
    with Image.open(out / "comparison.png") as sheet:
        assert (sheet.format, sheet.size) == ("PNG", (1650, 935))
        found = {color for _, color in sheet.convert("RGB").getcolors(maxcolors=1 << 24) or ()}
    assert {(255, 0, 0), (0, 0, 128), (0, 128, 128)} <= found  # content, style, results
    rows = {line.split("  ")[0].strip(): line.split()[-3:] for line in output.splitlines() if "  " in line}
    assert rows["content image"] == ["0", "9", "9000"]
    assert rows["fast"] == ["6", "2", "2006"]
    assert rows["optimize"] == ["4", "1", "1004"]
    assert f"look at {out / 'comparison.png'}" in output


def test_a_job_that_failed_ends_the_comparison_with_its_reason(
    service: TwoMethods, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    service.fails = True
    result = run(service.url, "compare", *pair, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "The file is damaged." in result.output
    assert not (tmp_path / "out" / "comparison.png").exists()


def test_results_without_losses_are_an_old_workers(
    service: TwoMethods, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    service.old = True
    result = run(service.url, "compare", *pair, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "workers are too old" in result.output


def test_without_the_drawing_library_the_way_to_install_it_is_shown_before_anything_is_sent(
    service: TwoMethods, pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "client.commands.compare.sheet", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    result = run(service.url, "compare", *pair, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "pip install -e '.[compare]'" in result.output
    assert service.requests == []
