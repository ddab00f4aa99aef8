"""What is done to jobs by others than their worker or their client: each such deed is a line of the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import structlog

from shared.ids import JOB
from shared.request_context import Origin


class Deed(StrEnum):
    EXPIRED = "expired"  # it had not started within `start_within`
    ABANDONED = "abandoned"  # its worker fell silent; it waits for another one
    WORKER_LOST = "worker-lost"  # the same, in its last attempt: it has failed
    CANCELED = "canceled"  # asked for before; its worker fell silent, or its batch was canceled
    RESENT = "resent"  # its message may be lost and is sent again
    PUT_BACK = "put-back"  # its message was not sent, or came where it cannot run; it waits again
    PARKED = "parked"  # only a newer worker understands it; it waits for one
    INTERRUPTED = "interrupted"  # of a batch: its reader fell silent; it has failed and none of its jobs ran


LEVELS = {
    Deed.WORKER_LOST: logging.ERROR,
    **dict.fromkeys((Deed.ABANDONED, Deed.RESENT, Deed.INTERRUPTED), logging.WARNING),
}


@dataclass(frozen=True)
class Done:
    """A deed, and the job or batch that it was done to."""

    id: str
    deed: Deed
    origin: Origin | None

    def members(self) -> dict[str, str]:
        """Of its line in the log."""
        noun = "job_id" if self.id.startswith(JOB) else "batch_id"
        return {noun: self.id, "deed": self.deed, **(self.origin.members() if self.origin else {})}


def deeds_of(flat: Sequence[str]) -> list[Done]:
    """Of a script's answer: id, deed and origin of each."""
    triples = zip(flat[::3], flat[1::3], flat[2::3], strict=True)
    return [Done(record_id, Deed(deed), Origin.of_text(origin)) for record_id, deed, origin in triples]


def log_deeds(flat: Sequence[str]) -> None:
    for done in deeds_of(flat):
        structlog.get_logger().log(LEVELS.get(done.deed, logging.INFO), "put right", **done.members())
