"""An API key: `sq_`, its id, and 256 random bits. The service keeps its digest and never the key."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime
from enum import StrEnum
from hmac import compare_digest

from pydantic import BaseModel, ConfigDict, Field

from shared.wire.descriptors import Lane

OWNER_PATTERN = r"^[a-z0-9-]{1,40}$"  # it is a part of Redis keys and S3 keys
OWNER_IN_WORDS = "An owner's name has 1 to 40 characters of a-z, 0-9 and -"
ANONYMOUS_OWNER = "anonymous"  # the owner of submissions while there is no key; it has no key
ALL_OWNERS = "*"  # stands for any owner in a search
MAX_NAME = 100
ID_BYTES, SECRET_BYTES = 6, 32

_KEY = re.compile(rf"sq_([0-9a-f]{{{2 * ID_BYTES}}})_[A-Za-z0-9_-]{{43}}")


class Scope(StrEnum):
    """The permissions of a key."""

    USER = "user"  # its owner's own jobs, batches and uploads
    ADMIN = "admin"  # the same of all owners, and operations on the whole service
    VIEWER = "viewer"  # reads its owner's jobs, batches and results, and changes nothing
    METRICS = "metrics"  # reads metrics and the views for autoscalers, and sees no job


class ApiKey(BaseModel):
    """The record of a key.

    A plain SHA-256 is enough: slow hashes protect passwords, which can be guessed; 256 random bits cannot.
    A slow hash would delay each request.
    """

    model_config = ConfigDict(frozen=True)

    id: str = Field(pattern=r"^[0-9a-f]{12}$")
    owner: str = Field(pattern=OWNER_PATTERN)
    scope: Scope
    name: str = Field("", max_length=MAX_NAME)
    created_at: datetime
    expires_at: datetime | None = None
    lanes: tuple[Lane, ...] | None = None  # for submissions; None means all
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", repr=False)

    def is_of(self, text: str) -> bool:
        """Return whether `text` is this key, in constant time."""
        return compare_digest(self.sha256, digest_of(text))

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)


def new_key(
    owner: str,
    scope: Scope,
    name: str = "",
    *,
    expires_at: datetime | None = None,
    lanes: tuple[Lane, ...] | None = None,
) -> tuple[str, ApiKey]:
    """Return a new key, which the service does not keep, and its record.

    Raises:
        pydantic.ValidationError: the owner's name or the key's is malformed.
    """
    key_id = secrets.token_hex(ID_BYTES)
    text = f"sq_{key_id}_{secrets.token_urlsafe(SECRET_BYTES)}"
    record = ApiKey(
        id=key_id,
        owner=owner,
        scope=scope,
        name=name,
        created_at=datetime.now(UTC),
        expires_at=expires_at,
        lanes=lanes,
        sha256=digest_of(text),
    )
    return text, record


def id_in(text: str) -> str | None:
    """Return the id in the text of a key; None if the text is not a key."""
    found = _KEY.fullmatch(text)
    return found[1] if found else None


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
