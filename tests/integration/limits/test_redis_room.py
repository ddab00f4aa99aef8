"""A Redis that fills up: nothing new is accepted while there is still room for all that was accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from api.access.redis_room import RedisRoom
from shared.errors import QueueNearlyFull
from shared.settings import Settings
from shared.store.jobs import JobStore
from tests.jobs import succeed
from tests.stacks.service import PAIR, accepted, assert_problem, post_lines, started

FILE = {"sha256": "0" * 64, "bytes": 100, "content_type": "image/png"}
GROWTH: dict[str, Callable[[FlaskClient], object]] = {
    "a job": lambda client: client.post("/v1/jobs", json=PAIR),
    "a batch": lambda client: post_lines(client, PAIR),
    "an upload": lambda client: client.post("/v1/uploads", json=FILE),
    "a test": lambda client: client.post("/v1/webhooks/test", json={"url": "https://hooks.example.org/in"}),
}


@contextmanager
def filled(connection: redis.Redis, percent: float) -> Iterator[None]:
    used = connection.info("memory")["used_memory"]
    connection.config_set("maxmemory", int(used * 100 / percent))
    try:
        yield
    finally:
        connection.config_set("maxmemory", 0)


@pytest.mark.parametrize("what", GROWTH)
def test_from_the_fill_level_on_nothing_new_is_taken(
    app: Flask, settings: Settings, connection: redis.Redis, what: str
) -> None:
    with filled(connection, 90):
        response = GROWTH[what](started(app, settings))
        assert "max_redis_percent" in assert_problem(response, 503, "redis-nearly-full")
        assert response.headers["Retry-After"] == "5"
        assert connection.dbsize() <= 1  # the count of requests
    assert GROWTH[what](started(app, settings)).status_code in (200, 202)


def test_accepted_jobs_go_on_and_end(
    app: Flask, settings: Settings, connection: redis.Redis, store: JobStore, client: FlaskClient
) -> None:
    job, other = (accepted(client.post("/v1/jobs", json=PAIR)) for _ in range(2))
    with filled(connection, 90):
        client = started(app, settings)
        succeed(store, job["id"])
        assert client.get(job["links"]["self"]).json["status"] == "succeeded"
        assert client.post(other["links"]["cancel"]).status_code == 200
        assert client.delete(other["links"]["self"]).status_code == 204


def test_below_the_level_and_without_a_limit_all_is_taken(connection: redis.Redis) -> None:
    RedisRoom(connection, 80).check()
    with filled(connection, 60):
        RedisRoom(connection, 80).check()


def test_it_looks_no_more_than_once_a_second(connection: redis.Redis) -> None:
    room = RedisRoom(connection, 80)
    with filled(connection, 90):
        for _ in range(20):
            with pytest.raises(QueueNearlyFull):
                room.check()
        before = connection.info("commandstats")["cmdstat_info"]["calls"]
        for _ in range(20):
            with pytest.raises(QueueNearlyFull):
                room.check()
        assert connection.info("commandstats")["cmdstat_info"]["calls"] - before <= 2
