"""Objects of records that a client deleted."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from api.services import Services
from shared.errors import PermanentError, TransientError


def remove_now(parts: Services, doomed: Iterable[str]) -> None:
    """Delete them before the response. The workers delete what is left: it is noted in Redis."""
    keys = list(doomed)
    if not keys:
        return
    try:
        parts.storage.delete_many(keys)
        parts.garbage.forget_doomed(keys)
    except (TransientError, PermanentError) as error:
        structlog.get_logger().warning(
            "objects are left to the workers", objects=len(keys), detail=error.detail
        )
