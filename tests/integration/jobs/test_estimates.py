"""Estimates of jobs that are not submitted."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from tests.stacks.servers import wait_until
from tests.stacks.service import PAIR, accepted, assert_problem

ESTIMATES = "/v1/estimates"


def test_cost_is_relative_to_default_params_and_nothing_is_submitted(client: FlaskClient) -> None:
    def cost(**params: object) -> float:
        answer = client.post(ESTIMATES, json={"params": params})
        assert answer.status_code == 200, answer.text
        return float((answer.json or {})["relative_cost"])

    assert cost() == 1
    assert cost(max_side=512) < 1 < cost(max_side=2048) < cost(max_side=4096)
    assert cost(losses=True) > 10
    long, short = (cost(method="optimize", max_side=512, iterations=steps) for steps in (300, 150))
    assert long > short > 100
    assert (
        cost(method="optimize", iterations=300) == cost(method="optimize") > 100
    )  # the worker chooses the size
    assert (client.get("/v1/jobs").json or {})["jobs"] == []


def test_the_last_job_waits_behind_those_that_wait_already(client: FlaskClient) -> None:
    def queue(**more: object) -> dict[str, Any]:
        return dict((client.post(ESTIMATES, json={"jobs": 10, **more}).json or {})["queue"])

    for _ in range(3):
        accepted(client.post("/v1/jobs", json=PAIR))
    wait_until(lambda: queue()["position"] == 13, what="a fresh look at the lanes")
    assert not queue()["runnable"]
    assert "No worker" in queue()["reason"]
    assert queue(lane="bulk")["position"] == 10


def test_jobs_of_the_method_optimize_wait_in_their_own_lane(client: FlaskClient) -> None:
    answer = client.post(ESTIMATES, json={"params": {"method": "optimize"}, "lane": "high"}).json or {}
    assert "'optimize'" in answer["queue"]["reason"]


def test_a_wrong_setting_is_named(client: FlaskClient) -> None:
    wrong = client.post(ESTIMATES, json={"params": {"max_side": 10}})
    assert "64" in assert_problem(wrong, 422, "invalid-parameter", "/params/max_side")
    large = {"params": {"method": "optimize", "max_side": 1025}}
    assert_problem(client.post(ESTIMATES, json=large), 422, "invalid-parameter", "/params/max_side")
    assert_problem(client.post(ESTIMATES, json={"jobs": 0}), 422, "invalid-parameter", "/jobs")
