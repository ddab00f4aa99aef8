"""Uploads that jobs are about to name: announced, they are kept for a time even if no job names them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import cast

import redis

from shared.errors import UploadBeingRemoved
from shared.redis_scripts import Scripts

UPLOADS_PER_STEP = 500


class UploadRegister:
    """All methods raise QueueUnavailable when Redis does not answer."""

    def __init__(self, connection: redis.Redis) -> None:
        self._scripts = Scripts(connection, ("announce_uploads", "adopt"))

    def announce(self, owner: str, upload_ids: Sequence[str]) -> None:
        """From now on they are kept for a time. What S3 says of them after this, and not before, will hold.

        Raises:
            UploadBeingRemoved: a worker is removing one of them.
        """
        if not upload_ids:
            return
        busy = self._scripts.run("announce_uploads", *(f"{owner}/{upload_id}" for upload_id in upload_ids))
        if busy:
            digest = str(busy).partition("/")[2]
            raise UploadBeingRemoved(f"The upload {digest} is just being removed; try again shortly")

    def adopt(self, uploads: Iterable[str]) -> int:
        """Of the uploads, as <owner>/<digest>, those not known count as announced now; answers how many."""
        rest, adopted = iter(uploads), 0
        while some := list(islice(rest, UPLOADS_PER_STEP)):
            adopted += cast("int", self._scripts.run("adopt", *some))
        return adopted
