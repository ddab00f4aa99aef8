"""What a client hears while the service cannot take anything."""

from __future__ import annotations

import httpx

from tests.faults.stack import FaultStack


def assert_unavailable(stack: FaultStack, method: str, path: str, body: bytes | None = None) -> None:
    """A problem document that says when to come again."""
    headers = {"Content-Type": "application/x-ndjson"} if body else {}
    answer: httpx.Response = stack.client.request(method, path, content=body, headers=headers)
    assert answer.status_code == 503, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "broker-unavailable"
    assert int(answer.headers["Retry-After"]) > 0
