"""A loopback service that keeps jobs, and the command run as a user runs it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from client.command import main
from tests.unit.client_server import JPEG, Answer, Loopback, Request, failed, job, problem, succeeded

ROOT = Path(__file__).resolve().parents[2]
CAPABILITIES = {
    **dict.fromkeys(("formats_in", "formats_out", "sources", "lanes", "models"), ()),
    "limits": {"optimize_max_side": 1024, "optimize_target_seconds": 300},
    "optimize_rate": 50_000,
}
COMMAND = [sys.executable, "-c", "from client.command import main; main(prog_name='stylequeue')"]


class Service(Loopback):
    """Its jobs end as soon as they are requested, if `ends`; a photo whose name begins with `bad` fails."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.jobs: dict[str, dict[str, Any]] = {}
        self.queue: dict[str, Any] = {}
        self.usage: dict[str, Any] = {}
        self.ends = True

    def _answer(self, request: Request) -> Answer:
        handlers: dict[str, Callable[[Request], Answer]] = {
            "GET /healthz": lambda _: Answer(200, {}),
            "GET /v1/capabilities": lambda _: Answer(200, CAPABILITIES),
            "GET /v1/queue": lambda _: Answer(200, self.queue),
            "GET /v1/usage": lambda _: Answer(200, self.usage),
            "GET /v1/jobs": self._list,
        }
        return handlers.get(request.route, self._one)(request)

    def _list(self, request: Request) -> Answer:
        newest_first = [view for view in reversed(self.jobs.values()) if self._wanted(view, request)]
        return Answer(200, {"jobs": newest_first[: int(request.query["limit"])]})

    def _wanted(self, view: dict[str, Any], request: Request) -> bool:
        return request.query.get("status") in {None, view["status"]}

    def _one(self, request: Request) -> Answer:
        _, job_id, *step = request.path.removeprefix("/v1/").split("/")
        if job_id not in self.jobs:
            return problem(404, "job-not-found", f"There is no job {job_id}.")
        if step == ["result"]:
            return Answer(303, headers={"Location": f"/v1/jobs/{job_id}/file"})
        if step == ["file"]:
            return Answer(200, picture(job_id))
        if step == ["cancel"]:
            return self._cancel(job_id)
        return self._state(job_id)

    def _cancel(self, job_id: str) -> Answer:
        if self.jobs[job_id]["status"] != "queued":
            return problem(409, "job-finished", f"Job {job_id} has ended and cannot change any more.")
        self.jobs[job_id] = job("canceled", 2, job_id)
        return Answer(200, self.jobs[job_id])

    def _state(self, job_id: str) -> Answer:
        view = self.jobs[job_id]
        if view["status"] != "queued":
            return Answer(200, view)
        if not self.ends:
            return Answer(304, headers={"Retry-After": "1"})
        notes = {"metadata": view["metadata"]}
        bad = view["metadata"].get("photo", "").startswith("bad")
        self.jobs[job_id] = failed(job_id, **notes) if bad else succeeded(picture(job_id), job_id, **notes)
        return Answer(200, self.jobs[job_id])


def picture(job_id: str) -> bytes:
    return JPEG + job_id.encode()


def run(url: str, *arguments: object, given: bool = True, text: str | None = None) -> Result:
    """Run the command for the service at `url`, named by --api if `given`, else by the environment.

    `text` is what the user types.
    """
    words = [*(["--api", url] if given else []), *map(str, arguments)]
    return CliRunner().invoke(main, words, input=text, env={} if given else {"STYLEQUEUE_API": url})


def on_a_terminal(columns: int, *arguments: object) -> tuple[int, str]:
    """Return the command's exit code and all that it drew."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns)}
    command = [*COMMAND, *map(str, arguments)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=theirs, env=environment)
    os.close(theirs)
    output = _read_all(ours)
    return process.wait(timeout=30), output


def _read_all(terminal: int) -> str:
    chunks = []
    with os.fdopen(terminal, "rb", buffering=0) as stream:
        try:
            while chunk := stream.read(4096):
                chunks.append(chunk)
        except OSError:  # Linux reports a terminal without a writer as EIO
            pass
    return b"".join(chunks).decode()
