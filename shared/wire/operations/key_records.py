"""The requests and records of API keys over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.wire.base import Descriptor
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import ANONYMOUS_OWNER, MAX_NAME, OWNER_IN_WORDS, OWNER_PATTERN, Scope
from shared.wire.records import Record
from shared.wire.words import in_words

MAX_EXPIRY = 20  # characters


class KeyRequest(Descriptor):
    """A new API key."""

    owner: Annotated[str, StringConstraints(pattern=OWNER_PATTERN), in_words(OWNER_IN_WORDS)] = Field(
        description=f"Whose jobs it reaches; not `{ANONYMOUS_OWNER}`."
    )
    scope: Scope = Field(Scope.USER, strict=False)
    name: str = Field("", max_length=MAX_NAME, description="Note about its purpose; printable characters.")
    lanes: Annotated[tuple[Lane, ...], Field(min_length=1, max_length=len(Lane), strict=False)] | None = (
        Field(None, description="Lanes that it may submit to; null: all. Only for the scopes user and admin.")
    )
    expires: Annotated[str, StringConstraints(min_length=2, max_length=MAX_EXPIRY)] | None = Field(
        None,
        description="Valid for 12h, 90d or 2w, or to the end of a day (UTC) like 2026-12-31.",
    )


class KeyView(Record):
    """An API key without its secret part, which the service does not keep."""

    id: str
    owner: str
    scope: Scope
    name: str
    lanes: tuple[Lane, ...] | None = Field(None, description="Absent: all.")
    created_at: datetime
    expires_at: datetime | None = None
    expired: bool = Field(description="It is refused, but counts as a key.")
    last_used_at: datetime | None = Field(None, description="Noted every ten minutes.")


class KeyList(Record):
    """API keys, the oldest first."""

    keys: tuple[KeyView, ...]


class NewKey(KeyView):
    """A key that was just made, with its text, which cannot be shown again."""

    key: str = Field(description="Send it as `Authorization: Bearer KEY`.")
    first: bool = Field(description="It is the only key: from now on every request needs one.")
