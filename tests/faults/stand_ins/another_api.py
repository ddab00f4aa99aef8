"""A second API process beside the stack's own: of another version, or with another environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from local.api_server import api_answers, api_url
from local.children import PROJECT
from tests.stacks.fault_stack import START_SECONDS, FaultStack
from tests.stacks.ports import free_port
from tests.stacks.programs import Program
from tests.stacks.servers import wait_until


@dataclass(frozen=True)
class AnotherApi:
    program: Program
    port: int

    @property
    def url(self) -> str:
        return api_url(self.port)

    def answers(self) -> bool:
        return api_answers(self.port, "/healthz")


@contextmanager
def another_api(stack: FaultStack, app: str = "api.wsgi:app", **variables: str) -> Iterator[AnotherApi]:
    """Run it until the block ends."""
    port = free_port()
    api = AnotherApi(stack.start_api(port, app, PYTHONPATH=str(PROJECT), **variables), port)
    try:
        wait_until(api.answers, START_SECONDS, "an answer from the second API")
        yield api
    finally:
        api.program.kill()
