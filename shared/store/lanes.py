"""Lanes: the step that dispatches waiting jobs, and the sweep that recovers what was left behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import redis

from shared.store.recovery_log import log_recovery_actions
from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX, Scripts
from shared.wire.descriptors import Lane
from shared.wire.records import JobStatus

SCRIPTS = ("dispatch", "undispatch", "sweep", "pause_lane", "resume_lane", "unpark")
MOST_PER_SWEEP = 500  # of a kind in one step, which blocks Redis for some milliseconds


CALL = "call_"
TIMES = "x"  # between a call's number and the number of jobs that it calls for, if they are several
# The most jobs in a bundle. Urgent and long jobs start one by one, where a slot is free.
LARGEST_BUNDLE: Mapping[Lane, int] = {Lane.HIGH: 1, Lane.NORMAL: 4, Lane.BULK: 8, Lane.OPTIMIZE: 1}


def is_call(message: str) -> bool:
    """Return whether a message calls for its lane's next jobs, instead of naming a job."""
    return message.startswith(CALL)


def jobs_called_by(call: str) -> int:
    """Return the number of jobs that a call asks for."""
    return int(call.partition(TIMES)[2] or 1)


class Lanes:
    """All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis, most_running: int = 0) -> None:
        """For `most_running` see JobStore."""
        self._redis = connection
        self._most_running = most_running
        self._scripts = Scripts(connection, SCRIPTS)

    def dispatch(self, lane: Lane, window: int) -> list[str]:
        """Return messages for the caller to publish, so that up to `window` are on their way.

        Each is a call for the next jobs of the lane (`is_call`), or the id of a job.
        """
        terms = window, LARGEST_BUNDLE[lane], self._most_running
        return cast("list[str]", self._scripts.run("dispatch", lane, *terms))

    def undispatch(self, messages: Sequence[str]) -> None:
        """Take back messages that could not be published, or whose receiver cannot use them."""
        log_recovery_actions(self._scripts.run("undispatch", *messages))

    def unpark(self, lane: Lane, record_version: int) -> None:
        """Let some parked jobs wait again that a worker of this record version understands."""
        self._scripts.run("unpark", lane, record_version, MOST_PER_SWEEP)

    def widen_window(self, messages: int) -> None:
        """Let this many messages of a lane be on their way, even if `dispatch` asks for fewer."""
        with translated_errors():
            self._redis.set(PREFIX + "window", messages)

    def sweep(self, resend_after_seconds: float, queues: Mapping[Lane, str]) -> list[tuple[Lane, str]]:
        """End overdue jobs, take jobs from silent workers, and return messages that may be lost.

        `queues` names the broker's list of each lane. A message counts as lost if it was sent that long ago
        and the list is empty, or one that was sent later arrived that long ago.
        """
        lost: list[tuple[Lane, str]] = []
        lists = [part for pair in queues.items() for part in pair]
        more = 1
        while more:
            more, flat, recovered = self._scripts.run(
                "sweep", int(resend_after_seconds * 1000), MOST_PER_SWEEP, *lists
            )
            log_recovery_actions(recovered)
            lost += [(Lane(lane), message) for lane, message in zip(flat[::2], flat[1::2], strict=True)]
        return lost

    def pause(self, lane: Lane) -> None:
        """Let no job of the lane start, in any process. Running jobs go on."""
        self._scripts.run("pause_lane", lane)

    def resume(self, lane: Lane) -> None:
        """Let the lane's jobs start again. The caller dispatches, or else the next sweep does."""
        self._scripts.run("resume_lane", lane)

    def paused(self) -> frozenset[Lane]:
        """Return the paused lanes."""
        with translated_errors():
            names = cast("set[str]", self._redis.smembers(PREFIX + "paused"))
        return frozenset(lane for lane in Lane if lane in names)

    def load(self) -> dict[Lane, dict[JobStatus, int]]:
        """Return the number of jobs by lane and status, of all owners."""
        with translated_errors():
            counts = cast("dict[str, str]", self._redis.hgetall(PREFIX + "load"))
        return {
            lane: {status: int(counts.get(f"{lane}:{status}", 0)) for status in JobStatus} for lane in Lane
        }
