"""Redis is lost with all its files, and an older backup takes its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from tests.faults.mixtures.checker import Verdict
from tests.faults.mixtures.crowd import Crowd, ndjson
from tests.faults.wires.backups import copy_append_only_file, restore, take_snapshot
from tests.faults.wires.redis_troubles import kill_and_restart
from tests.stacks.fault_stack import FaultStack

MANY_ATTEMPTS = 20


@pytest.mark.parametrize("back_up", [take_snapshot, copy_append_only_file])
def test_all_jobs_that_a_backup_knows_come_to_their_end(
    stack: FaultStack, crowd: Crowd, tmp_path: Path, back_up: Callable[[FaultStack, Path], None]
) -> None:
    (backup := tmp_path / "backup").mkdir()
    stack.start_workers(2)
    stack.until_workers_are_there()
    crowd.send_good(80, milliseconds=40, max_attempts=MANY_ATTEMPTS)
    stack.until(lambda: crowd.ended() >= 20)
    back_up(stack, backup)
    known, batches = list(crowd.accepted), list(crowd.batches)

    stack.until(lambda: crowd.ended() >= 60)  # some of these will be done again, to the same pictures
    later, key = ndjson(crowd.lines(10)), uuid4().hex
    answer = crowd.post(later, key)
    assert answer
    (unknown, *_) = crowd.note(answer)
    stack.until(lambda: crowd.ended() >= 65)
    restore(stack, backup)

    crowd.accepted, crowd.batches = known, batches
    gone = stack.client.get(f"/v1/jobs/{unknown}")
    assert (gone.status_code, gone.json()["code"]) == (404, "job-not-found")
    again = crowd.post(later, key)  # its client still has the key
    assert again
    assert unknown not in crowd.note(again)
    stack.until(lambda: crowd.ended() >= 85)
    kill_and_restart(stack)  # restored data is persisted like all other
    Verdict(crowd).assert_all_succeeded()
    assert [worker.starts for worker in stack.workers] == [1, 1]
