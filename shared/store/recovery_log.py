"""Recovery actions that the system takes by itself, one log line each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import structlog

from shared.ids import JOB
from shared.request_context import Origin


class RecoveryAction(StrEnum):
    EXPIRED = "expired"  # it had not started within `start_within`
    ABANDONED = "abandoned"  # its worker fell silent; it waits for another worker
    WORKER_LOST = "worker-lost"  # its worker fell silent in its last attempt; it has failed
    CANCELED = "canceled"  # after a cancel its worker fell silent, or its batch was canceled
    RESENT = "resent"  # its message may be lost and is sent again
    PUT_BACK = "put-back"  # its message was not sent, or reached a worker that cannot run it; it waits again
    PARKED = "parked"  # only a newer worker understands it; it waits for one
    INTERRUPTED = "interrupted"  # a batch whose reader fell silent; it has failed and none of its jobs ran


LEVELS = {
    RecoveryAction.WORKER_LOST: logging.ERROR,
    **dict.fromkeys(
        (RecoveryAction.ABANDONED, RecoveryAction.RESENT, RecoveryAction.INTERRUPTED), logging.WARNING
    ),
}


@dataclass(frozen=True)
class LoggedAction:
    """A recovery action, and the job or batch that it was done to."""

    id: str
    action: RecoveryAction
    origin: Origin | None

    def members(self) -> dict[str, str]:
        """Return the members of its line in the log."""
        noun = "job_id" if self.id.startswith(JOB) else "batch_id"
        return {noun: self.id, "action": self.action, **(self.origin.members() if self.origin else {})}


def recovery_actions_of(flat: Sequence[str]) -> list[LoggedAction]:
    """Return the actions in a script's reply, which has id, action and origin of each."""
    triples = zip(flat[::3], flat[1::3], flat[2::3], strict=True)
    return [
        LoggedAction(record_id, RecoveryAction(action), Origin.of_text(origin))
        for record_id, action, origin in triples
    ]


def log_recovery_actions(flat: Sequence[str]) -> None:
    for done in recovery_actions_of(flat):
        structlog.get_logger().log(LEVELS.get(done.action, logging.INFO), "recovery action", **done.members())
