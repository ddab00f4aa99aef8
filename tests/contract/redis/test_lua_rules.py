"""The Lua library repeats some rules of shared/policy, because records do not store their outcome."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis

from shared.policy.inputs import uploads_of
from shared.policy.object_keys import (
    picture_location,
    preview_key,
    results_key,
    thumbnail_key,
    upload_key,
)
from shared.store.redis.lua import part_text, parts_of
from shared.store.redis.scripts import PREFIX
from shared.wire.descriptors import JobRequest, Output
from tests.jobs import OWNER, request

JOB_ID = "job_1"
DIGEST, OTHER = "5" * 64, "a" * 64
SOURCES = [
    {"upload_id": DIGEST},
    {"url": f"s3://stylequeue/uploads/{OWNER}/{DIGEST}"},
    {"url": f"s3://other/uploads/{OWNER}/{DIGEST}"},
    {"url": f"s3://stylequeue/uploads/ben/{DIGEST}"},
    {"url": f"s3://stylequeue/uploads/{OWNER}/{DIGEST[1:]}"},
    {"url": f"s3://stylequeue/uploads/{OWNER}/{DIGEST}0"},
    {"url": f"s3://stylequeue/results/{OWNER}/{DIGEST}"},
    {"url": "https://example.com/a.jpg"},
]
OUTPUTS = [
    {},
    {"format": "png"},
    {"format": "webp"},
    {"key": "mine/a.jpg"},
    {"bucket": "theirs"},
    {"bucket": "theirs", "key": "mine/a.jpg"},
]


def in_lua(connection: redis.Redis, part: str, expression: str, job: JobRequest) -> Any:
    """Return the value of an expression behind a part of the library; `request` is the job's stored one."""
    library = "\n".join(map(part_text, parts_of(part)))
    text = f"{library}\nlocal request = cjson.decode(ARGV[1]) return cjson.encode({expression})"
    stored = job.model_dump_json(exclude_defaults=True)
    return json.loads(connection.eval(text, 1, PREFIX, stored))


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_the_uploads_that_a_request_names(connection: redis.Redis, source: dict[str, str]) -> None:
    blend = [{**source, "weight": 1}, {"upload_id": OTHER, "weight": 2}]
    for job in (request(content=source, style=source), request(content=source, style=None, styles=blend)):
        named = in_lua(connection, "uploads", f"uploads_of('{OWNER}', request)", job)
        assert sorted(named) == sorted(uploads_of(job, OWNER))


@pytest.mark.parametrize("output", OUTPUTS, ids=str)
def test_the_place_of_a_picture(connection: redis.Redis, output: dict[str, str]) -> None:
    job = request(output=output)
    extension = job.output.format.replace("jpeg", "jpg")
    bucket, key = picture_location(Output(**output), OWNER, JOB_ID, extension)
    picture = in_lua(
        connection, "removal", f"picture_of('{JOB_ID}', '{OWNER}', request, nil, 3) or false", job
    )
    assert picture == (False if bucket else key)


def test_the_keys_of_objects(connection: redis.Redis) -> None:
    keys = (
        "{ key_of_upload('anna/5'), preview_key('anna', 'job_1'), thumbnail_key('anna', 'job_1'), "
        "results_key('anna', 'b_1', 'errors') }"
    )
    assert in_lua(connection, "OBJECT_KEYS", keys, request()) == [
        upload_key("anna", "5"),
        preview_key("anna", "job_1"),
        thumbnail_key("anna", "job_1"),
        results_key("anna", "b_1", "errors"),
    ]
