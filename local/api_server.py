"""The API of the stack: Gunicorn, one process with threads (api/gunicorn_conf.py)."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import httpx

from local.ports import LOOPBACK
from worker.supervision.process import Part, Role

STOP_SECONDS = 10  # longer than Gunicorn waits for requests in progress
PROBE_SECONDS = 5
CONFIGURATION = "python:api.gunicorn_conf"


def api_part(port: int, environment: Mapping[str, str], app: str = "api.wsgi:app") -> Part:
    """Return the part that serves `app`; bench/polling.py gives another one than the API."""
    command = (
        *(sys.executable, "-m", "gunicorn", "--config", CONFIGURATION, app),
        *("--bind", f"{LOOPBACK}:{port}", "--workers", "1"),
    )
    return Part(Role.API, "api", command, environment, stop_seconds=STOP_SECONDS)


def api_url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"


def api_answers(port: int, path: str) -> bool:
    try:
        answer = httpx.get(api_url(port) + path, timeout=PROBE_SECONDS, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == httpx.codes.OK
