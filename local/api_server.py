"""The API of the stack: Gunicorn, one process with threads."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import httpx

from local.ports import LOOPBACK
from local.process import Part, Role

THREADS = 32
GRACEFUL_SECONDS = 5  # what requests in progress get when the stack stops; a ?wait= may ask for 60
STOP_SECONDS = GRACEFUL_SECONDS + 5
PROBE_SECONDS = 5
REQUEST_LINE_BYTES = 8190  # Gunicorn's most; a hundred ids in one poll are about 4,000


def api_part(port: int, environment: Mapping[str, str], app: str = "api.wsgi:app") -> Part:
    """With another `app` the same server has something else to serve (bench/polling.py)."""
    command = (
        *(sys.executable, "-m", "gunicorn", app),
        *("--bind", f"{LOOPBACK}:{port}"),
        *("--worker-class", "gthread", "--workers", "1", "--threads", str(THREADS)),
        *("--graceful-timeout", str(GRACEFUL_SECONDS)),
        *("--limit-request-line", str(REQUEST_LINE_BYTES)),
        *("--log-level", "warning"),
        "--no-control-socket",  # it would lie in the home directory, one for all stacks
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
