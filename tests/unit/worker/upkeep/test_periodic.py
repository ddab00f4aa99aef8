from __future__ import annotations

from shared.errors import QueueUnavailable
from tests.servers import wait_until
from worker.upkeep.periodic import Periodic


def test_a_step_that_fails_is_tried_again_at_the_next_turn() -> None:
    turns: list[int] = []

    def step() -> None:
        turns.append(len(turns))
        if len(turns) == 1:
            raise QueueUnavailable("Redis does not answer")
        if len(turns) == 2:
            raise ZeroDivisionError

    periodic = Periodic("test", 0.01, step)
    periodic.start()
    wait_until(lambda: len(turns) > 3, 5, "the fourth turn")
    periodic.stop()
    turns_at_stop = len(turns)
    assert turns == list(range(turns_at_stop))


def test_the_first_step_does_not_wait_for_its_turn() -> None:
    turns: list[int] = []
    periodic = Periodic("test", 3600, lambda: turns.append(1))
    periodic.start()
    wait_until(lambda: turns, 5, "the first turn")
    periodic.stop()
    assert turns == [1]
