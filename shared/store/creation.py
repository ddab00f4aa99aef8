"""The step that creates jobs, alone or as lines of a batch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shared.errors import OutputKeyTaken, UploadBeingRemoved
from shared.policy.queue_limits import QueueLimits, check_room
from shared.store.redis.scripts import Scripts

REMOVING = "removing"  # also stands for a job's id: the holder is gone, its picture not yet


def create_jobs(
    scripts: Scripts, records: Sequence[str], limits: QueueLimits, options: Mapping[str, Any]
) -> Sequence[Any]:
    """Run the script `create` and return its reply, unless it refuses.

    Raises:
        QueueFull, QuotaFull, TooMuchPending: the jobs have no room.
        UploadBeingRemoved: a worker is removing an upload that one of the jobs names.
        OutputKeyTaken: a job without a batch chose another job's place for its picture.
    """
    answer = scripts.run("create", json.dumps({**options, **limits.as_options()}), *records)
    match answer:
        case ["removing", upload]:
            digest = str(upload).partition("/")[2]
            raise UploadBeingRemoved(f"The upload {digest} is just being removed; announce it again")
        case ["taken", _, holder]:
            raise OutputKeyTaken(taken_by(str(holder)), "/output/key")
    return check_room(answer, limits)


def taken_by(holder: str) -> str:
    """Return a sentence for the client; `holder` is the other job's id, or REMOVING."""
    if holder == REMOVING:
        return "The picture of a job that was deleted is still being removed from there; try again shortly"
    return f"The job {holder} has this place for its picture until it is deleted"
