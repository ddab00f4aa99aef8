"""The API of the stack: Gunicorn, one process with threads (api/gunicorn_conf.py)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

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
    """Return whether the API responds with 200. It is asked often, so this uses neither a proxy nor TLS."""
    with closing(HTTPConnection(LOOPBACK, port, timeout=PROBE_SECONDS)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
