"""Settings that are lists. The error for a malformed entry states the rule that it breaks."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from shared.policy.hosts import is_host
from shared.wire.descriptors import Lane
from shared.wire.operations.api_key import OWNER_PATTERN

MAX_DELAY_SECONDS = 604_800
_BUCKET = re.compile(r"[\w.-]{3,255}", re.ASCII)  # the oldest in Amazon S3 may have 255, capitals and _


def _split(value: object) -> object:
    """Turn 'a, b' into ('a', 'b'); return anything but a string as it is."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _check_delays(delays: tuple[float, ...]) -> tuple[float, ...]:
    if all(0 <= delay <= MAX_DELAY_SECONDS for delay in delays):
        return delays
    raise PydanticCustomError("delays", "each must be 0 to {most} s", {"most": MAX_DELAY_SECONDS})


def _check_host(entry: str) -> str:
    if is_host(entry):
        return entry
    rule = "name or name:port, with a port from 1 to 65535 and without a scheme or a path"
    raise PydanticCustomError("host", "'{entry}' is not a host: {rule}", {"entry": entry, "rule": rule})


def _check_bucket(entry: str) -> str:
    if _BUCKET.fullmatch(entry):
        return entry
    raise PydanticCustomError("bucket", "'{entry}' is not a bucket name", {"entry": entry})


def _check_output_bucket(entry: str) -> str:
    owner, _, bucket = entry.rpartition(":")
    if owner and not re.fullmatch(OWNER_PATTERN, owner):
        raise PydanticCustomError("owner", "'{entry}' does not begin with an owner's name", {"entry": entry})
    return f"{owner}:{_check_bucket(bucket)}" if owner else _check_bucket(entry)


def _check_lane(entry: object) -> object:
    if entry in tuple(Lane):
        return entry
    known = ", ".join(Lane)
    raise PydanticCustomError("lane", "'{entry}' is not a lane: {known}", {"entry": entry, "known": known})


def _in_order(lanes: tuple[Lane, ...]) -> tuple[Lane, ...]:
    """Return each lane once, the highest first."""
    if lanes:
        return tuple(lane for lane in Lane if lane in lanes)
    raise PydanticCustomError("lanes", "no lane is named: {known}", {"known": ", ".join(Lane)})


HostList = Annotated[tuple[Annotated[str, AfterValidator(_check_host)], ...], BeforeValidator(_split)]
BucketList = Annotated[tuple[Annotated[str, AfterValidator(_check_bucket)], ...], BeforeValidator(_split)]
OutputBucketList = Annotated[
    tuple[Annotated[str, AfterValidator(_check_output_bucket)], ...], BeforeValidator(_split)
]
LaneList = Annotated[
    tuple[Annotated[Lane, BeforeValidator(_check_lane)], ...],
    BeforeValidator(_split),
    AfterValidator(_in_order),
]
DelayList = Annotated[tuple[float, ...], BeforeValidator(_split), AfterValidator(_check_delays)]
