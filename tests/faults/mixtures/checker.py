"""The checks after any mixture of faults."""

from __future__ import annotations

import io
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http import HTTPStatus
from typing import Any, cast

import httpx
from PIL import Image

from shared.broker.queue import queue_name
from shared.store.counts.effort import MICROSECONDS
from shared.store.owners.accounts import Accounts, today
from shared.wire.descriptors import Lane
from shared.wire.records import FINAL, JobStatus
from tests.checks.agreement import assert_counters_agree, keys, members
from tests.faults.mixtures.crowd import Crowd
from tests.faults.mixtures.history import History
from tests.faults.stand_ins.orders import digest
from tests.stacks.fault_stack import ANSWER_SECONDS, FaultStack
from tests.stacks.servers import wait_until

IDS_PER_POLL = 100
READERS = 8
SETTLE_SECONDS = 90
BATCHES_TO_DO = ("validating", "finalizing", "canceling", "discarding")

JobBody = dict[str, Any]


class Verdict:
    """All accepted jobs as the API shows them, once all have ended and every promise was checked."""

    def __init__(self, crowd: Crowd, settle_seconds: float = SETTLE_SECONDS) -> None:
        stack = crowd.stack
        stack.until(lambda: everything_has_ended(stack), settle_seconds, "the end of all jobs and messages")
        self.history = History(stack.data.redis)
        self.jobs = {job["id"]: job for job in _poll_all(stack, crowd.accepted)}
        assert list(self.jobs) == crowd.accepted, "a job that was accepted is not there"
        self._check_records()
        self._check_accounts(stack)
        _check_pictures(stack, self.with_status(JobStatus.SUCCEEDED))
        _check_leftovers(stack)
        assert_counters_agree(stack.connection)

    def with_status(self, status: JobStatus) -> list[JobBody]:
        return [job for job in self.jobs.values() if job["status"] == status]

    def assert_all_succeeded(self) -> None:
        others = [job for job in self.jobs.values() if job["status"] != JobStatus.SUCCEEDED]
        errors = Counter(json.dumps(job.get("error")) for job in others)
        assert not others, f"{len(others)} of {len(self.jobs)} did not succeed: {errors.most_common(3)}"

    def starts(self) -> int:
        return sum(self.history.starts(job_id) for job_id in self.jobs)

    def _check_records(self) -> None:
        """Check that every job has one end, and that none was tried more often than allowed."""
        assert self.history.illegal_steps() == []
        for job_id, job in self.jobs.items():
            assert job["status"] in FINAL, job
            assert job["attempt"] <= job["max_attempts"], job
            assert self.history.ends(job_id) == 1, (job_id, self.history.statuses[job_id])

    def _check_accounts(self, stack: FaultStack) -> None:
        """Check that the owners' accounts have what Redis' own file says that all jobs took."""
        accounts, day = Accounts(stack.connection), timedelta(days=1)
        took = [accounts.sums(owner, [today() - day], today() + day)[0] for owner in accounts.owners()]
        sums = Counter[str]()
        for each in took:
            numbers = each.model_dump(exclude={"device_seconds"})
            sums.update(numbers | {"device_us": round(each.device_seconds * MICROSECONDS)})
        assert +sums == +self.history.took
        self.device_seconds = sums["device_us"] / MICROSECONDS


def everything_has_ended(stack: FaultStack) -> bool:
    """Return whether no job and no batch has a step left, and the broker's lists are empty."""
    connection = stack.connection
    load = cast("dict[str, str]", connection.hgetall("sq:load"))
    unfinished = sum(int(number) for name, number in load.items() if name.split(":")[1] not in FINAL)
    waiting = sum(connection.llen(queue_name(lane)) for lane in Lane)
    to_do = sum(len(keys(connection, "sq:" + name)) for name in BATCHES_TO_DO)
    return unfinished == waiting == to_do == 0


def _poll_all(stack: FaultStack, ids: list[str]) -> list[JobBody]:
    jobs: list[JobBody] = []
    for start in range(0, len(ids), IDS_PER_POLL):
        answer = _patient_get(stack, "/v1/jobs", ids=",".join(ids[start : start + IDS_PER_POLL]))
        assert answer.status_code == 200, answer.text
        jobs += answer.json()["jobs"]
    return jobs


def _patient_get(stack: FaultStack, url: str, **query: str) -> httpx.Response:
    """Return the response; repeat the request after a 503, as clients do.

    A Redis that waits for its disk can be silent for longer than the API waits for it.
    """

    def attempt() -> httpx.Response | None:
        response = stack.client.get(url, params=query or None, follow_redirects=True)
        return None if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE else response

    response = wait_until(attempt, ANSWER_SECONDS, f"a response to GET {url}")
    assert response
    return response


def _check_pictures(stack: FaultStack, jobs: list[JobBody]) -> None:
    """Check that each picture is served, matches its record, and is whole."""
    with ThreadPoolExecutor(READERS) as readers:
        list(readers.map(lambda job: _check_picture(stack, job), jobs))


def _check_picture(stack: FaultStack, job: JobBody) -> None:
    result = job["result"]
    answer = _patient_get(stack, result["url"])
    assert answer.status_code == 200, (job["id"], answer.text)
    assert (len(answer.content), digest(answer.content)) == (result["bytes"], result["sha256"]), job["id"]
    with Image.open(io.BytesIO(answer.content)) as picture:
        picture.load()
        assert picture.size == (result["width"], result["height"])


def _check_leftovers(stack: FaultStack) -> None:
    """Check that nothing waits or is held, in the broker neither."""
    connection = stack.connection
    for kind in ("line:*", "batchline:*", "scheduled:*", "dispatched:*", "parked:*", "leases", "deadlines"):
        for key in keys(connection, "sq:" + kind):
            assert members(connection, key) == [], key
    assert connection.hlen("unacked") == 0
