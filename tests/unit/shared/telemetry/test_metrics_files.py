from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from shared.telemetry.metrics_files import MetricsFiles
from shared.telemetry.metrics_folder import VARIABLE
from shared.telemetry.scrape import registry_of
from tests.scrapes import Scrape

COUNTING = """
import time
from worker.telemetry.metrics import BATCH_SIZE, JOB_RUNS, SLOTS
JOB_RUNS.labels("succeeded").inc(3)
BATCH_SIZE.observe(4)
SLOTS.set(2)
print("counted", flush=True)
time.sleep(60)
"""


@pytest.fixture
def files(tmp_path: Path) -> MetricsFiles:
    return MetricsFiles(tmp_path)


def counting(folder: Path) -> subprocess.Popen[str]:
    """Start a process that has counted three successes and one call of four pictures."""
    process = subprocess.Popen(
        [sys.executable, "-c", COUNTING],
        env={**os.environ, VARIABLE: str(folder)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "counted\n"
    return process


def seen(files: MetricsFiles) -> tuple[float, float, float, float]:
    """Return successes, pictures, calls of up to four pictures, and slots."""
    scrape = Scrape.of(generate_latest(registry_of(files)).decode())
    return (
        scrape.value("stylequeue_job_runs_total", outcome="succeeded"),
        scrape.value("stylequeue_batch_pictures_sum"),
        scrape.value("stylequeue_batch_pictures_bucket", le="4.0"),
        scrape.value("stylequeue_host_slots"),
    )


def test_counters_of_killed_processes_stay_and_their_gauges_go(files: MetricsFiles, tmp_path: Path) -> None:
    processes = [counting(tmp_path), counting(tmp_path)]
    assert seen(files) == (6, 8, 2, 4)
    for count, process in enumerate(processes):
        process.send_signal(signal.SIGKILL)
        process.communicate()
        files.add_to_ended(process.pid)
        assert seen(files) == (6, 8, 2, 2 - 2 * count)
    assert sorted(file.name for file in tmp_path.glob("*.db")) == ["counter_0.db", "histogram_0.db"]


def test_a_process_killed_before_it_counted_or_buried_twice_changes_nothing(
    files: MetricsFiles, tmp_path: Path
) -> None:
    process = counting(tmp_path)
    process.kill()
    process.communicate()
    files.add_to_ended(process.pid)
    for kind in ("counter", "histogram"):  # of one that has its id, and was killed at once
        (tmp_path / f"{kind}_{process.pid}.db").touch()
    for _ in range(2):
        files.add_to_ended(process.pid)
        assert seen(files) == (3, 4, 1, 0)


def test_a_scrape_that_meets_a_file_just_made_does_not_fail(files: MetricsFiles, tmp_path: Path) -> None:
    (tmp_path / "counter_1.db").touch()
    assert seen(files) == (0, 0, 0, 0)


def test_the_folder_goes_with_the_process_that_made_it_and_not_with_its_children() -> None:
    program = (
        "import os\nfrom shared.telemetry.metrics_folder import make_metrics_folder\n"
        "folder = make_metrics_folder()\n"
        "child = os.fork()\n"
        "if child: os.waitpid(child, 0); print(folder, folder.stat().st_mode & 0o777)"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    folder, mode = output.stdout.split()
    assert int(mode) == 0o700
    assert not Path(folder).exists()
