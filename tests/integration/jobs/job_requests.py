"""Short forms for tests that post jobs."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask.testing import FlaskClient

from tests.stacks.service import PAIR


def submit(client: FlaskClient, **members: Any) -> dict[str, Any]:
    response = client.post("/v1/jobs", json={**PAIR, **members})
    assert response.status_code == HTTPStatus.ACCEPTED, response.json
    return dict(response.json or {})
