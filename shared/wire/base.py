"""The base of all requests, and the types that several of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from shared.wire.words import in_words

MAX_URL = 8192  # characters; URLs that are signed with temporary credentials have more than 2,500

Item = TypeVar("Item")


class Descriptor(BaseModel):
    """A part of a request. An unknown member is an error, and types are not converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True)
class Since:
    """Marks a member that workers understand from this record version on (shared/wire/record_version.py)."""

    version: int


def _integral(value: Any) -> Any:
    """Accept 1024.0 as an integer, as JSON Schema does."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Integral = BeforeValidator(_integral)

# Keys of S3 objects may hold spaces, and are taken as they are.
Url = Annotated[
    str,
    StringConstraints(
        min_length=8,
        max_length=MAX_URL,
        pattern=r"^(https?://[^\x00-\x20\x7f]+|s3://[^\x00-\x1f\x7f]+)$",
    ),
    in_words("It must begin with https:// or s3://, and an https:// URL has no spaces"),
]
WebhookUrl = Annotated[
    str,
    StringConstraints(min_length=10, max_length=MAX_URL, pattern=r"^https?://[^\x00-\x20\x7f]+$"),
    in_words("It must begin with https:// and have no spaces"),
]


def having(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of an object with this member.

    Rules between members are written with `if`. Validators apply it, and generators of clients ignore it;
    from `anyOf` they would make types that have only a part of the members.
    """
    return {"properties": {name: schema}, "required": [name]}


def each_once(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Return the items in their order, without repetitions."""
    return tuple(dict.fromkeys(items))
