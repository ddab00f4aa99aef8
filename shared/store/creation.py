"""The step that creates jobs, alone or as lines of a batch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shared.errors import UploadBeingRemoved
from shared.policy.queue_limits import QueueLimits, check_room
from shared.store.redis.scripts import Scripts


def create_jobs(
    scripts: Scripts, records: Sequence[str], limits: QueueLimits, options: Mapping[str, Any]
) -> Sequence[Any]:
    """Run the script `create` and return its reply, unless it refuses.

    Raises:
        QueueFull, QuotaFull, TooMuchPending: the jobs have no room.
        UploadBeingRemoved: a worker is removing an upload that one of the jobs names.
    """
    answer = scripts.run("create", json.dumps({**options, **limits.as_options()}), *records)
    match answer:
        case ["removing", upload]:
            digest = str(upload).partition("/")[2]
            raise UploadBeingRemoved(f"The upload {digest} is being removed; announce it again")
    return check_room(answer, limits)
