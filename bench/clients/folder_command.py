"""Run the `stylequeue` command in its own process, and check what it left in its folder and in
the service.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.stacks.children import PROJECT
from bench.stacks.subject import environment
from client.folder.manifest import FILE_NAME, read_manifest

COMMAND = str(Path(sys.executable).parent / "stylequeue")
POLL_SECONDS = 0.01
GIVE_UP_SECONDS = 120
RESULTS = "*.jpg"


@dataclass(frozen=True)
class Ended:
    """The exit code and the duration of a command."""

    code: int
    seconds: float
    said: str


def run(*words: str) -> Ended:
    begin = time.perf_counter()
    result = subprocess.run(
        [COMMAND, *words], cwd=PROJECT, env=environment(), capture_output=True, text=True, check=False
    )
    return Ended(result.returncode, time.perf_counter() - begin, result.stdout + result.stderr)


def run_and_kill(words: Sequence[str], folder: Path, files: int) -> Ended:
    """Send SIGKILL as soon as so many results exist."""
    begin = time.perf_counter()
    with subprocess.Popen(
        [COMMAND, *words],
        cwd=PROJECT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as child:
        while len(results_in(folder)) < files:
            assert child.poll() is None, "the command ended before it could be killed"
            assert time.perf_counter() - begin < GIVE_UP_SECONDS, "the command makes no results"
            time.sleep(POLL_SECONDS)
        child.kill()
    return Ended(child.returncode, time.perf_counter() - begin, "")


def results_in(folder: Path) -> list[Path]:
    return list(folder.rglob(RESULTS))


def faults(folder: Path, jobs: Sequence[dict[str, Any]], expected: int) -> list[str]:
    """List what is wrong: each job must have succeeded at its first attempt and have one file with the
    result's bytes.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        return ["there is no manifest"]
    digests = {job["id"]: (job.get("result") or {}).get("sha256") for job in jobs}
    files = {picture.job_id: folder / picture.file for picture in manifest.pictures}
    others = {path.name for path in folder.rglob("*") if path.is_file()} - {
        path.name for path in files.values()
    }
    found = {
        "jobs in the service": len(jobs) - expected,
        "jobs that did not succeed in the first attempt": sum(
            (job["status"], job["attempt"]) != ("succeeded", 1) for job in jobs
        ),
        "different photos and styles": len({_asked(job) for job in jobs}) - expected,
        "files": len(results_in(folder)) - expected,
        "files of no job, or jobs of no file": len(files.keys() ^ digests.keys()),
        "files with other bytes than the result": sum(
            _digest(file) != digests.get(str(job_id)) for job_id, file in files.items()
        ),
        "files left over": len(others - {FILE_NAME}),
    }
    return [f"{what}: {number:+}" for what, number in found.items() if number]


def _asked(job: dict[str, Any]) -> tuple[str, str]:
    request = job["request"]
    return str(request["content"]), str(request.get("style") or request.get("styles"))


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
