"""Short forms for tests that post batches."""

from __future__ import annotations

import redis
from flask.testing import FlaskClient

from tests.checks.agreement import keys
from tests.stacks.service import OWNER

BATCHES = "/v1/batches"


def assert_nothing_left(client: FlaskClient, connection: redis.Redis) -> None:
    assert (client.get(BATCHES).json or {})["batches"] == []
    counted = ("sq:rate:", "sq:tallies", "sq:recent:", "sq:audit:")  # of requests, and of what happened
    left = {key for key in keys(connection, "*") if not key.startswith(counted)}
    assert left <= {f"sq:counts:{OWNER}", "sq:load", "sq:counted", "sq:owners"}
