"""The requests and records of browsers' sessions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from shared.wire.base import Descriptor
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import Scope
from shared.wire.records import Record


class SignIn(Descriptor):
    """The key for which a session is to stand."""

    key: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(description="An API key.")


class SessionView(Record):
    """The sender of the request, and what they may do."""

    owner: str
    scope: Scope
    key_id: str | None = Field(None, description="Absent while the service needs no key.")
    lanes: tuple[Lane, ...] = Field(description="Lanes to which they may submit.")
    by_session: bool = Field(description="The request came with a session's cookie, so signing out ends it.")
