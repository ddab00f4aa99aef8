"""Owners see nothing of each other: the API on a real Redis and a real S3 server."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from flask import Flask

from shared.settings import Settings
from shared.storage.objects import Storage
from tests.access import as_owner, routes
from tests.checks.possessions import DELIVERIES, Theirs
from tests.stacks.service import PAIR, PICTURE, assert_problem, sha256

JOB = "/v1/jobs"
SAME_REQUEST = {"X-Request-Id": "one"}  # or responses would differ in it


def test_anothers_id_is_404_on_every_route_and_changes_nothing(
    app: Flask, connection: redis.Redis, settings: Settings
) -> None:
    theirs, mallory = Theirs(app, connection, Storage(settings)), as_owner(app, "mallory")
    before = _seen(theirs)
    asked = 0
    for method, path in routes(app):
        for argument, ids in theirs.ids().items():
            for each in ids if f"<{argument}>" in path else []:
                response = mallory.open(
                    path.replace(f"<{argument}>", each), method=method, headers=SAME_REQUEST
                )
                assert response.status_code == 404, (method, path, response.text)
                assert (response.json or {})["code"] == f"{argument[:-3]}-not-found" or "dead-letter" in path
                unknown = mallory.open(
                    path.replace(f"<{argument}>", "batch_0"), method=method, headers=SAME_REQUEST
                )
                assert unknown.data.replace(b"batch_0", each.encode()) == response.data
                asked += 1
    assert asked >= 20
    assert _seen(theirs) == before


def _seen(theirs: Theirs) -> list[Any]:
    """Return what the owner sees, without presigned URLs, which are made anew each time."""
    paths = (f"{JOB}/{theirs.job}", f"{JOB}/{theirs.failed}", f"/v1/batches/{theirs.batch}")
    paths += (f"{DELIVERIES}/{theirs.delivery}",)
    return [theirs.client.get(path).json for path in paths]


def test_lists_hold_only_the_owners_own(app: Flask, connection: redis.Redis, settings: Settings) -> None:
    theirs, mallory = Theirs(app, connection, Storage(settings)), as_owner(app, "mallory")
    for path in (
        JOB,
        f"{JOB}?ids={theirs.job},{theirs.failed}",
        f"{JOB}?batch_id={theirs.batch}",
        f"{JOB}?cursor={theirs.failed}",
        "/v1/batches",
        f"/v1/batches?cursor={theirs.batch}z",
        "/v1/dead-letters",
        DELIVERIES,
        f"{DELIVERIES}?job_id={theirs.job}",
    ):
        found = mallory.get(path)
        assert found.status_code == 200, (path, found.text)
        assert theirs.batch.removeprefix("batch_") not in found.text, path
    assert len((theirs.client.get(JOB).json or {})["jobs"]) == 2
    assert mallory.post("/v1/dead-letters/replay").status_code == 202
    assert (theirs.client.get(f"{JOB}/{theirs.failed}").json or {})["status"] == "failed"


def test_keys_of_one_owner_see_the_same(app: Flask) -> None:
    job = as_owner(app, "anna").post(JOB, json=PAIR).json or {}
    assert as_owner(app, "anna").get(job["links"]["self"]).status_code == 200


def test_an_idempotency_key_is_its_owners(app: Flask) -> None:
    anna, bert = (
        as_owner(app, owner).post(JOB, json=PAIR, headers={"Idempotency-Key": "1"}).json
        for owner in ("anna", "bert")
    )
    assert (anna or {})["id"] != (bert or {})["id"]


def test_anothers_upload_is_neither_seen_nor_read(app: Flask, settings: Settings) -> None:
    announced = {"sha256": sha256(PICTURE), "bytes": len(PICTURE), "content_type": "image/jpeg"}
    Storage(settings).put(f"uploads/anna/{sha256(PICTURE)}", PICTURE, "image/jpeg")
    exists = {
        owner: (as_owner(app, owner).post("/v1/uploads", json=announced).json or {})["exists"]
        for owner in ("anna", "mallory")
    }
    assert exists == {"anna": True, "mallory": False}
    for url in (f"s3://stylequeue/uploads/anna/{sha256(PICTURE)}", "s3://stylequeue/results/anna/x.jpg"):
        response = as_owner(app, "mallory").post(JOB, json={**PAIR, "style": {"url": url}})
        assert_problem(response, 403, "url-not-allowed", "/style/url")


@pytest.mark.parametrize("member", ["owner", "key", "attempt", "status", "priority", "result"])
def test_members_that_the_service_sets_are_not_taken_from_a_body(app: Flask, member: str) -> None:
    response = as_owner(app, "anna").post(JOB, json={**PAIR, member: "root"})
    assert_problem(response, 422, "invalid-parameter", f"/{member}")


def test_the_owner_is_in_no_answer(app: Flask, connection: redis.Redis, settings: Settings) -> None:
    theirs = Theirs(app, connection, Storage(settings))
    for each in _seen(theirs):
        assert each.get("owner") is None
        assert "token" not in each
