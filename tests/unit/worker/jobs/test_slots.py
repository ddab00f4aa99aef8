from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.stacks.servers import wait_until
from worker.jobs.slots import Slots

SLOTS = 2


class Work:
    """Slots whose jobs end when the test says so."""

    def __init__(self) -> None:
        self.slots = Slots[str](SLOTS)
        self.begun = list[str]()
        self.errors = list[Exception]()
        self._ends = threading.Semaphore(0)
        self.ended = threading.Event()
        self.slots.start(self._run, self.errors.append)

    def admit(self, *names: str, alone: bool = False) -> int:
        """Admit jobs as soon as there is room; return how much there was."""
        with self.slots.room(alone=alone) as room:
            for name in names[:room]:
                self.slots.add(name)
        return room

    def in_thread(self, *names: str, alone: bool = False) -> threading.Thread:
        thread = threading.Thread(target=self.admit, args=names, kwargs={"alone": alone})
        thread.start()
        return thread

    def end(self, number: int = 1) -> None:
        self._ends.release(number)

    def begins(self, *names: str) -> None:
        wait_until(lambda: self.begun == list(names), what=f"{names}, but it is {self.begun}")

    def _run(self, name: str) -> None:
        self.begun.append(name)
        if name == "ending":
            self.slots.free()
            assert self.ended.wait(30)
            return
        assert self._ends.acquire(timeout=30)
        if name == "bad":
            raise ValueError("It is bad.")


@pytest.fixture
def work() -> Iterator[Work]:
    work = Work()
    yield work
    work.ended.set()
    work.end(20)


def test_one_job_waits_behind_each_slot_and_all_begin_in_order(work: Work) -> None:
    assert work.admit("a", "b", "c", "d", "e") == 2 * SLOTS
    work.begins("a", "b")
    work.end()
    work.begins("a", "b", "c")
    work.end(3)
    work.slots.wait_until_empty()
    assert work.begun == ["a", "b", "c", "d"]


def test_nothing_is_admitted_before_a_slot_is_free(work: Work) -> None:
    work.admit("a", "b", "c")
    later = work.in_thread("d")
    work.begins("a", "b")
    work.end()
    work.begins("a", "b", "c")
    assert later.is_alive()
    work.end()
    work.begins("a", "b", "c", "d")
    later.join()


def test_a_job_that_must_be_alone_waits_for_the_others_and_later_ones_wait_for_it(work: Work) -> None:
    work.admit("a")
    alone = work.in_thread("b", alone=True)
    work.begins("a")
    assert alone.is_alive()
    work.end()
    work.begins("a", "b")
    alone.join()
    later = work.in_thread("c")
    assert len(work.slots) == 1
    assert later.is_alive()
    work.end()
    work.begins("a", "b", "c")
    later.join()


def test_closed_slots_admit_nothing_and_hand_out_the_jobs_that_wait(work: Work) -> None:
    work.admit("a", "b", "c", "d")
    work.begins("a", "b")
    work.slots.close()
    waiting = work.slots.wait_for_room()
    assert waiting == ["c", "d"]
    assert work.admit("e") == 0
    work.slots.let_go(waiting)
    work.end(2)
    work.slots.wait_until_empty()
    assert work.begun == ["a", "b"]


def test_an_error_is_reported_and_costs_no_slot(work: Work) -> None:
    work.admit("bad", "a", "b")
    work.end(3)
    work.slots.wait_until_empty()
    assert [str(error) for error in work.errors] == ["It is bad."]
    assert sorted(work.begun) == ["a", "b", "bad"]


def test_a_job_that_is_being_ended_needs_no_slot(work: Work) -> None:
    work.admit("ending", "a", "b")
    work.begins("ending", "a", "b")
    work.end(2)
    wait_until(lambda: len(work.slots) == 1, what="the end of the others")
    work.ended.set()
    work.slots.wait_until_empty()
