"""The API is killed while it reads a batch: the client's retry makes the batch exactly once."""

from __future__ import annotations

import random
import signal
import threading
from typing import Any

from shared.wire.records import JobStatus
from tests.checks.agreement import keys
from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd, ndjson
from tests.jobs import let_time_pass
from tests.stacks.fault_stack import FaultStack
from tests.stacks.servers import wait_until

JOBS = 5_000
KEY = "one-large-batch"


def test_a_batch_of_five_thousand_is_accepted_exactly_once_however_often_the_api_dies(
    stack: FaultStack, crowd: Crowd, chance: random.Random
) -> None:
    body = ndjson(crowd.lines(JOBS))
    for moment in sorted(chance.sample(range(JOBS), 3)):
        _die_while_reading(stack, crowd, body, moment)
    stack.start_workers(1)  # its sweep removes the batches that the killed ones left
    batch = _sent_again(stack, crowd, body)
    assert (batch["total"], batch["rejected"]) == (JOBS, 0)
    assert (crowd.post(body, KEY) or {})["id"] == batch["id"]
    crowd.note(batch)
    assert stack.client.post(f"/v1/batches/{batch['id']}/cancel").is_success
    verdict = Verdict(crowd)
    assert len(verdict.jobs) == JOBS
    assert {job["status"] for job in verdict.jobs.values()} <= {JobStatus.CANCELED, JobStatus.SUCCEEDED}
    assert len(keys(stack.connection, "sq:job:*")) == JOBS  # and no job of another attempt


def _die_while_reading(stack: FaultStack, crowd: Crowd, body: bytes, moment: int) -> None:
    """Kill the API when it has written so many records of the batch, unless it commits first."""
    answers: list[dict[str, Any] | None] = []
    before = len(keys(stack.connection, "sq:job:*"))
    sending = threading.Thread(target=lambda: answers.append(crowd.post(body, KEY)), daemon=True)
    sending.start()
    wait_until(lambda: answers or stack.connection.dbsize() - before > moment, 60, f"{moment} records")
    stack.api.send(signal.SIGKILL)
    stack.api.start_again()
    sending.join()
    stack.until_api_answers()
    _let_the_lease_end(stack)


def _let_the_lease_end(stack: FaultStack) -> None:
    """End the lease at once, which lasts a minute in production; then a silent reader's batch is given up."""
    let_time_pass(stack.connection, "validating")


def _sent_again(stack: FaultStack, crowd: Crowd, body: bytes) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def accepted() -> bool:
        found.extend(answer for answer in [crowd.post(body, KEY)] if answer)
        return bool(found)

    stack.until(accepted, 60, "a 202")
    return found[0]
