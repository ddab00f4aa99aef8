"""The identity of a request that a client may send again: its Idempotency-Key and the digest of its body."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Self

REMEMBER_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Idempotency:
    """The identity of one request: `name` identifies the owner and the key, `digest` the body."""

    name: str
    digest: str

    @classmethod
    def of(cls, owner: str, key: str, request: bytes) -> Self:
        return cls.with_digest(owner, key, hashlib.sha256(request).hexdigest())

    @classmethod
    def with_digest(cls, owner: str, key: str, digest: str) -> Self:
        return cls(f"{owner}:{hashlib.sha256(key.encode()).hexdigest()}", digest)

    def as_options(self) -> dict[str, str | int]:
        return {"name": self.name, "digest": self.digest, "seconds": REMEMBER_SECONDS}
