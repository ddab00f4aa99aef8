"""Announced uploads, which are kept for a time even if no job names them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import cast

import redis

from shared.errors import UploadBeingRemoved
from shared.policy.quotas import NO_QUOTAS, Quotas
from shared.store.redis.scripts import Scripts

UPLOADS_PER_STEP = 500


class UploadRegister:
    """All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis, quotas: Quotas = NO_QUOTAS) -> None:
        self._quotas = quotas
        self._scripts = Scripts(connection, ("announce_uploads", "register_uploads"))

    def announce(self, owner: str, uploads: Mapping[str, int]) -> None:
        """Keep uploads for a time from now on. Look for them in S3 after this, not before.

        `uploads` has sizes in bytes by id.

        Raises:
            UploadBeingRemoved: a worker is removing one of them.
            QuotaFull, TooMuchPending: the owner has too many bytes or announcements.
        """
        if not uploads:
            return
        told = [part for name, size in uploads.items() for part in (f"{owner}/{name}", size)]
        match self._scripts.run("announce_uploads", owner, self._quotas.to_json(), *told):
            case ["busy", upload]:
                digest = str(upload).partition("/")[2]
                raise UploadBeingRemoved(f"The upload {digest} is being removed; try again shortly")
            case ["quota", kind]:
                self._quotas.refuse(str(kind))

    def adopt(self, uploads: Iterable[str]) -> int:
        """Announce unknown uploads, each as <owner>/<digest>, that were found in S3. Returns how many."""
        rest, adopted = iter(uploads), 0
        while some := list(islice(rest, UPLOADS_PER_STEP)):
            adopted += cast("int", self._scripts.run("register_uploads", *some))
        return adopted
