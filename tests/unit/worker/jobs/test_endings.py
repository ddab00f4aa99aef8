from __future__ import annotations

import threading
from collections.abc import Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from shared.errors import QueueUnavailable
from shared.store.ends import Ends
from shared.store.jobs import Claim, Ending, JobStore
from shared.wire.descriptors import Lane
from shared.wire.records import JobStatus
from tests.jobs import RESULT, running_job
from tests.stacks.servers import wait_until
from worker.jobs.endings import ENOUGH, Endings


class SlowStore:
    """Notes which outcomes came together; the first call waits for the test."""

    def __init__(self) -> None:
        self.calls = list[list[str]]()
        self.answers = threading.Event()
        self.down = False
        self.freed = frozenset[Lane]()

    def finish(self, endings: Sequence[Ending]) -> Ends:
        self.calls.append([ending.claim.job.id for ending in endings])
        assert self.answers.wait(30)
        if self.down:
            raise QueueUnavailable("Redis does not respond")
        bad = QueueUnavailable("The job cannot be ended")
        statuses = [bad if ending.claim.job.id == "bad" else ending.status for ending in endings]
        return Ends(statuses, self.freed)


def ending(name: str) -> Ending:
    return Ending(Claim(running_job(name), "token"), RESULT)


@pytest.fixture
def store() -> SlowStore:
    return SlowStore()


def test_what_comes_during_a_call_is_written_by_the_next_and_an_error_touches_no_neighbour(
    store: SlowStore,
) -> None:
    endings = Endings(cast(JobStore, store), print)
    with ThreadPoolExecutor(5) as threads:
        first = threads.submit(endings.write, ending("first"))
        wait_until(lambda: store.calls, what="the first call")
        others = {name: threads.submit(endings.write, ending(name)) for name in ("a", "b", "bad")}
        wait_until(lambda: len(endings._entries) == len(others), what="the others")
        store.answers.set()
        assert first.result() is others["a"].result() is others["b"].result() is JobStatus.SUCCEEDED
        with pytest.raises(QueueUnavailable, match="cannot be ended"):
            others["bad"].result()
    assert [sorted(call) for call in store.calls] == [["first"], ["a", "b", "bad"]]


def test_every_thread_learns_that_redis_does_not_respond(store: SlowStore) -> None:
    store.down = True
    store.answers.set()
    with pytest.raises(QueueUnavailable):
        Endings(cast(JobStore, store), print).write(ending("first"))


def test_outcomes_that_come_within_a_moment_are_written_together(store: SlowStore) -> None:
    store.answers.set()
    endings = Endings(cast(JobStore, store), print)
    names = [str(number) for number in range(ENOUGH)]
    with ThreadPoolExecutor(ENOUGH) as threads:
        list(threads.map(lambda name: endings.write(ending(name), linger=True), names))
    assert len(store.calls) < ENOUGH
    assert sorted(name for call in store.calls for name in call) == names


def test_lanes_are_dispatched_in_which_jobs_may_start_because_others_ended(store: SlowStore) -> None:
    store.answers.set()
    store.freed = frozenset({Lane.BULK})
    dispatched: list[Set[Lane]] = []
    Endings(cast(JobStore, store), dispatched.append).write(ending("first"))
    assert dispatched == [{Lane.BULK}]
