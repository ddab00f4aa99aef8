"""A route with a query, asked without one: it gets the same defaults as after validation."""

from __future__ import annotations

from typing import Any

import pytest
from flask_openapi3 import Info
from pydantic import BaseModel

from api.http.blueprints import Application, Routes

ROUTES = Routes("things", __name__, url_prefix="/things")


class ThingPath(BaseModel):
    number: int


class OptionalQuery(BaseModel):
    limit: int = 3


class RequiredQuery(BaseModel):
    limit: int


@ROUTES.get("/<number>")
def optional(path: ThingPath, query: OptionalQuery) -> dict[str, Any]:
    return {"number": path.number, "limit": query.limit}


@ROUTES.get("/required")
def required(query: RequiredQuery) -> dict[str, Any]:
    return {"limit": query.limit}


@pytest.mark.parametrize(
    ("url", "status", "answer"),
    [
        ("/things/1", 200, {"number": 1, "limit": 3}),
        ("/things/1?limit=4", 200, {"number": 1, "limit": 4}),
        ("/things/1?limit=x", 422, None),
        ("/things/required?limit=4", 200, {"limit": 4}),
        ("/things/required", 422, None),
        ("/things/x", 422, None),
    ],
)
def test_a_query_has_its_defaults_and_is_validated(url: str, status: int, answer: Any) -> None:
    app = Application("things", info=Info(title="things", version="1"))
    app.register_api(ROUTES)
    response = app.test_client().get(url)
    assert response.status_code == status
    assert answer is None or response.json == answer
