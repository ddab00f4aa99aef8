"""Two versions of the service side by side, and one that finds what the version before it has left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import redis

from shared.wire.records import JobStatus
from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd, ndjson
from tests.faults.stand_ins.another_api import another_api
from tests.faults.stand_ins.newer_level import NEWER_VERSION
from tests.faults.stand_ins.orders import LEVEL_VARIABLE, Order, model_of
from tests.stacks.fault_stack import FaultStack
from tests.stacks.service import NDJSON

OLD_RECORDS = Path(__file__).with_name("records_of_level_1.json")
NEWER_API = "tests.faults.stand_ins.newer_api:app"
SWEEPS_SECONDS = 1.6  # three of them
NEVER = {"STYLEQUEUE_RETENTION_SECONDS": "0"}  # jobs that ended long ago are read


def test_records_of_the_previous_version_come_to_their_end(stack: FaultStack, crowd: Crowd) -> None:
    old = json.loads(OLD_RECORDS.read_text("utf-8"))
    for variant in (*range(10), 255):
        crowd.upload(Order(variant=variant).picture())
    write(stack.connection, old["keys"])
    stack.start_workers(1, **NEVER)
    crowd.batches += [old["batch"]]
    crowd.send_good(4)
    stack.until(lambda: set(statuses(stack)) == {"canceled", "expired", "failed", "succeeded"})
    ended = {
        name: stack.client.get(f"/v1/jobs/{job_id}").json()["status"] for name, job_id in old["jobs"].items()
    }
    exceptional = {"failed": "failed", "expiring": "expired", "canceling": "canceled"}
    assert ended == {name: exceptional.get(name, "succeeded") for name in old["jobs"]}
    stack.until(lambda: stack.client.get(f"/v1/batches/{old['batch']}").json()["status"] == "completed")
    batch = stack.client.get(f"/v1/batches/{old['batch']}").json()
    assert (batch["counts"]["succeeded"], batch["counts"]["failed"], batch["rejected"]) == (8, 1, 1)
    assert stack.client.get(f"/v1/batches/{old['unread']}").json()["error"]["code"] == "interrupted"
    assert stack.client.get("/v1/dead-letters").json()["jobs"]


def test_old_workers_leave_what_only_newer_ones_understand_and_do_all_else(
    stack: FaultStack, crowd: Crowd
) -> None:
    (old,) = stack.start_workers(1)
    stack.until_workers_are_there()
    with (
        another_api(stack, NEWER_API) as another,
        httpx.Client(base_url=another.url, trust_env=False) as newer_api,
    ):
        newer = send(crowd, newer_api, crowd.lines(12, output={"quality": 50}))
        older = crowd.send_good(20)
        stack.until(lambda: crowd.ended() == len(older))  # jobs behind them do not wait
        stack.let_pass(SWEEPS_SECONDS)
        assert old.log.count("parked") == len(newer)  # each once, and no message circulates
        waiting = stack.client.get(f"/v1/jobs/{newer[0]}").json()
        assert (waiting["status"], waiting["attempt"]) == (JobStatus.QUEUED, 0)
        assert waiting["queue"]["runnable"] is False
        assert "older version" in waiting["queue"]["reason"]

        stack.start_workers(1, **{LEVEL_VARIABLE: str(NEWER_VERSION)})
        stack.until_workers_are_there()
        for _ in range(3):  # both versions side by side under load
            newer += send(crowd, newer_api, crowd.lines(8, output={"quality": 50}))
            crowd.send_good(16)
        verdict = Verdict(crowd)
    verdict.assert_all_succeeded()
    assert {verdict.jobs[job_id]["result"]["model"] for job_id in newer} == {model_of(NEWER_VERSION)}
    assert {job["attempt"] for job in verdict.jobs.values()} == {1}
    assert verdict.starts() == len(crowd.accepted)


def test_workers_that_know_only_messages_which_name_a_job_share_the_work_with_newer_ones(
    stack: FaultStack, crowd: Crowd
) -> None:
    (older,) = stack.start_workers(1, app="tests.faults.stand_ins.older_worker")
    stack.until_workers_are_there()
    crowd.send_good(40)
    stack.until(lambda: crowd.ended() == 40, what="the end of what an older worker does alone")
    (newer,) = stack.start_workers(1)
    stack.until_workers_are_there()
    crowd.send_good(120, milliseconds=40)
    stack.until(lambda: crowd.ended() >= 100)
    stack.workers.remove(older)
    older.die()
    crowd.send_good(40)
    verdict = Verdict(crowd)
    verdict.assert_all_succeeded()
    assert newer.log.count("job started") > 20
    assert older.log.count("job started") > 40
    assert stack.connection.zcard("sq:dispatched:bulk") == 0


def send(crowd: Crowd, api: httpx.Client, lines: list[dict[str, Any]]) -> list[str]:
    answer = api.post("/v1/batches", content=ndjson(lines), headers={"Content-Type": NDJSON})
    assert answer.status_code == 202, answer.text
    return crowd.note(answer.json())


def write(connection: redis.Redis, keys: dict[str, dict[str, Any]]) -> None:
    """Write keys as they were read from a Redis."""
    for key, kept in keys.items():
        match kept:
            case {"hash": fields}:
                connection.hset(key, mapping=fields)
            case {"zset": members}:
                connection.zadd(key, dict(members))
            case {"set": members}:
                connection.sadd(key, *members)
            case {"list": members}:
                connection.rpush(key, *members)
            case {"string": text}:
                connection.set(key, text)


def statuses(stack: FaultStack) -> set[str]:
    """Return the statuses of all jobs."""
    load: dict[str, str] = stack.connection.hgetall("sq:load")
    return {name.split(":")[1] for name, number in load.items() if int(number)}
