"""What makes a request that is sent again the same one: the client's key and the digest of its body."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Self

REMEMBER_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Idempotency:
    """`name` stands for the owner and the key, `digest` for the request."""

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
