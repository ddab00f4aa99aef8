"""Requests that an older worker must not touch, and newer records under an older reader."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import redis
from pydantic import BaseModel
from pydantic_core import from_json, to_json

from shared.errors import RecordUnreadable
from shared.store.codecs.job import decode_request, encode_request
from shared.store.jobs import JobStore
from shared.wire import record_version
from shared.wire.descriptors import JobRequest, Stylization
from shared.wire.record_version import ADOPTION_VERSION, BASE_VERSION, RECORD_VERSION, SINCE
from shared.wire.records import WorkerInfo
from tests.jobs import ERROR, OWNER, RESULT, create, request

BASE_MEMBERS = {
    *("content", "style", "styles"),
    *("params.strength", "params.max_side", "params.style_size", "params.preserve_color"),
    *("output.format", "output.quality"),
}
ROOT = "http://127.0.0.1:8080/"
NEWER = {"output.quality": RECORD_VERSION + 1, "styles": RECORD_VERSION + 2}


def test_every_member_of_a_request_is_of_the_base_or_says_since_when_it_is_known() -> None:
    assert members_of(Stylization) == BASE_MEMBERS | set(SINCE)
    assert max(*SINCE.values(), ADOPTION_VERSION) == RECORD_VERSION


def members_of(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Return paths of names; a choice among several models counts as one."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        inner = field.annotation
        nested = isinstance(inner, type) and issubclass(inner, BaseModel)
        found |= members_of(inner, f"{prefix}{name}.") if nested else {prefix + name}  # type: ignore[arg-type]
    return found


def test_a_record_says_what_it_needs_only_above_the_base(monkeypatch: pytest.MonkeyPatch) -> None:
    assert '"needs"' not in encode_request("job_1", OWNER, request(), 3, ROOT)
    monkeypatch.setattr(record_version, "SINCE", NEWER)
    assert '"needs"' not in encode_request("job_1", OWNER, request(output={"format": "png"}), 3, ROOT)
    assert f'"needs":{RECORD_VERSION + 1}' in encode_request(
        "job_1", OWNER, request(output={"quality": 50}), 3, ROOT
    )
    blend = {**request().model_dump(include={"content"}), "styles": [{"url": "https://example.org/b.jpg"}]}
    assert f'"needs":{RECORD_VERSION + 2}' in encode_request(
        "job_1", OWNER, JobRequest.model_validate(blend), 3, ROOT
    )


@pytest.mark.parametrize("side", [4097, 16_384, "original"])
def test_a_size_that_older_workers_do_not_accept_needs_newer_ones(side: int | str) -> None:
    assert '"needs":5' in encode_request("job_1", OWNER, request(params={"max_side": side}), 3, ROOT)
    assert '"needs"' not in encode_request("job_1", OWNER, request(params={"max_side": 4096}), 3, ROOT)


def test_members_that_a_newer_version_added_to_a_record_are_left_out(
    store: JobStore, connection: redis.Redis
) -> None:
    job_id = create(store)
    before = store.get(job_id)
    stored = from_json(str(connection.hget(f"sq:job:{job_id}", "request")))
    params = {**stored.get("params", {}), "grain": 1}
    newer = {**stored, "content": {**stored["content"], "page": 3}, "params": params, "frame": {}}
    fields = {
        "request": newer,
        "result": {**RESULT.model_dump(), "vintage": 1},
        "error": {**ERROR.model_dump(), "hint": "x"},
        "shelf": "7",
    }
    connection.hset(f"sq:job:{job_id}", mapping={name: to_json(value) for name, value in fields.items()})
    assert store.get(job_id) == before.model_copy(update={"result": RESULT, "error": ERROR})


def test_a_request_that_means_nothing_here_is_another_process_matter() -> None:
    with pytest.raises(RecordUnreadable):
        decode_request('{"content": {"hologram": "x"}, "style": {"url": "https://example.org/b.jpg"}}')


def test_a_worker_that_does_not_say_its_level_is_of_the_base() -> None:
    newer = {"level": RECORD_VERSION + 1, "mood": "good"}
    now = datetime.now(UTC)
    worker = WorkerInfo(
        id="w",
        host="h",
        pid=1,
        device="cpu",
        model="m",
        lanes=(),
        slots=4,
        busy=0,
        model_loads=1,
        started_at=now,
        last_seen_at=now,
    )
    said = worker.model_dump(mode="json", exclude={"level"})
    assert WorkerInfo.model_validate_json(to_json(said)).level == BASE_VERSION
    assert WorkerInfo.model_validate_json(to_json({**said, **newer})).level == RECORD_VERSION + 1
