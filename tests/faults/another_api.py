"""A second API process beside the stack's own: of another version, or with another environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from local.api_server import api_answers, api_url
from local.children import PROJECT
from tests.faults.stack import ANSWER_SECONDS, START_SECONDS, FaultStack
from tests.servers import free_port, wait_until


@contextmanager
def another_api(stack: FaultStack, app: str = "api.wsgi:app", **variables: str) -> Iterator[httpx.Client]:
    """Yields a client of it; both end with the block."""
    port = free_port()
    program = stack.start_api(port, app, PYTHONPATH=str(PROJECT), **variables)
    try:
        wait_until(lambda: api_answers(port, "/healthz"), START_SECONDS, "an answer from the second API")
        with httpx.Client(base_url=api_url(port), timeout=ANSWER_SECONDS, trust_env=False) as client:
            yield client
    finally:
        program.kill()
