"""Removal of the objects of deleted jobs and batches."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from api.services import Services
from shared.errors import PermanentError, TransientError
from shared.policy.object_keys import is_used_once


def remove_now(parts: Services, doomed: Iterable[str]) -> None:
    """Remove objects before the response. Redis lists those that remain, and a worker removes them later.

    A key that another job may reuse is always left to the workers: see worker/upkeep.
    """
    keys = [key for key in doomed if is_used_once(key)]
    if not keys:
        return
    try:
        parts.storage.delete_many(keys)
        parts.garbage.forget_doomed(keys)
    except (TransientError, PermanentError) as error:
        structlog.get_logger().warning(
            "objects are left to the workers", objects=len(keys), detail=error.detail
        )
