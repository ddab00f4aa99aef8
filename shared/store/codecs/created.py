"""What the script `create` answers, and what it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.errors import OutputKeyTaken, UploadBeingRemoved
from shared.policy.queue_limits import QueueLimits, check_room

REMOVING = "removing"  # also in the place of a job's id: the holder is gone, its picture not yet


def check_created(answer: Sequence[Any], limits: QueueLimits) -> Sequence[Any]:
    """The answer.

    Raises:
        QueueFull, QuotaFull, TooMuchPending: it says that the jobs have no room.
        UploadBeingRemoved: a worker is removing an upload that one of the jobs names.
        OutputKeyTaken: the place that a job without a batch chose is another's.
    """
    match answer:
        case ["removing", upload]:
            digest = str(upload).partition("/")[2]
            raise UploadBeingRemoved(f"The upload {digest} is just being removed; announce it again")
        case ["taken", _, holder]:
            raise OutputKeyTaken(taken_by(str(holder)), "/output/key")
    return check_room(answer, limits)


def taken_by(holder: str) -> str:
    """A sentence for the client; `holder` is the other job's id, or REMOVING."""
    if holder == REMOVING:
        return "The picture of a job that was deleted is still being removed from there; try again shortly"
    return f"The job {holder} has this place for its picture until it is deleted"
