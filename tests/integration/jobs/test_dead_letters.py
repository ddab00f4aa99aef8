"""/v1/dead-letters over HTTP; the tests play the worker."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient

from shared.store.jobs import JobStore
from shared.wire.records import JobPage
from tests.jobs import ERROR, claimed, end_job
from tests.stacks.service import PAIR, accepted, assert_problem, give_up

OTHER = ERROR.model_copy(update={"code": "source-not-found"})


def failed(client: FlaskClient, store: JobStore) -> str:
    job_id = str(accepted(client.post("/v1/jobs", json=PAIR))["id"])
    give_up(store, job_id)
    return job_id


def listed(client: FlaskClient, query: str = "") -> dict[str, Any]:
    response = client.get("/v1/dead-letters" + query)
    assert response.status_code == HTTPStatus.OK
    JobPage.model_validate(response.json)
    return dict(response.json or {})


def test_failed_jobs_are_listed_with_their_reason_page_by_page(client: FlaskClient, store: JobStore) -> None:
    ids = [failed(client, store) for _ in range(3)]
    first = listed(client, "?limit=2")
    assert [job["id"] for job in first["jobs"]] == ids[:0:-1]
    assert first["jobs"][0]["error"] == ERROR.model_dump()
    last = listed(client, f"?limit=2&cursor={first['next_cursor']}")
    assert [job["id"] for job in last["jobs"]] == ids[:1]
    assert last["next_cursor"] is None


def test_they_are_filtered_by_code(client: FlaskClient, store: JobStore) -> None:
    failed(client, store)
    job_id = accepted(client.post("/v1/jobs", json=PAIR))["id"]
    end_job(store, claimed(store, job_id), OTHER)
    assert [job["id"] for job in listed(client, f"?code={OTHER.code}")["jobs"]] == [job_id]
    assert_problem(client.get("/v1/dead-letters?code="), 422, "invalid-parameter", "/code")


def test_one_is_replayed_and_its_message_is_sent(
    client: FlaskClient, store: JobStore, connection: redis.Redis
) -> None:
    job_id = failed(client, store)
    connection.delete("stylize.normal", "sq:calls:normal")
    job = accepted(client.post(f"/v1/dead-letters/{job_id}/replay"))
    assert (job["status"], job["attempt"], job["error"]) == ("queued", 0, None)
    assert connection.llen("stylize.normal") == 1
    again = client.post(f"/v1/dead-letters/{job_id}/replay")
    assert "no dead letter" in assert_problem(again, 404, "dead-letter-not-found")


@pytest.mark.parametrize(("body", "replayed"), [(None, 3), ({"code": None}, 3), ({"code": OTHER.code}, 1)])
def test_all_are_replayed_or_those_with_one_code(
    client: FlaskClient, store: JobStore, body: dict[str, Any] | None, replayed: int
) -> None:
    failed(client, store), failed(client, store)
    end_job(store, claimed(store, accepted(client.post("/v1/jobs", json=PAIR))["id"]), OTHER)
    answer = client.post("/v1/dead-letters/replay", **({"json": body} if body is not None else {}))
    assert accepted(answer) == {"replayed": replayed}
    assert len(listed(client)["jobs"]) == 3 - replayed
    assert accepted(client.post("/v1/dead-letters/replay", json=body or {})) == {"replayed": 0}


def test_an_unknown_member_of_a_replay_is_refused(client: FlaskClient) -> None:
    response = client.post("/v1/dead-letters/replay", json={"codes": ["x"]})
    assert_problem(response, 422, "invalid-parameter", "/codes")
