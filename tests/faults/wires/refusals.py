"""The responses to a client while the service cannot take anything."""

from __future__ import annotations

import httpx

from tests.stacks.fault_stack import FaultStack

FULL_OR_AWAY = frozenset(
    {"broker-unavailable", "redis-nearly-full"}
)  # the second once the API has seen the fill level


def assert_unavailable(
    stack: FaultStack,
    method: str,
    path: str,
    body: bytes | None = None,
    codes: frozenset[str] = frozenset({"broker-unavailable"}),
) -> None:
    """Assert that the API returns 503 with one of these codes, and says when to try again."""
    headers = {"Content-Type": "application/x-ndjson"} if body else {}
    answer: httpx.Response = stack.client.request(method, path, content=body, headers=headers)
    assert answer.status_code == 503, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] in codes, answer.text
    assert int(answer.headers["Retry-After"]) > 0
