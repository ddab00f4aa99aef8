"""Each owner's lists of ids in Redis, newest first; for admins the lists of all owners, merged.

A list of all owners' jobs would make each write cost more for the sake of a few reads. Ids sort by time, so
the newest of all are merged from the owners' lists, page by page. The step that accepts a job or batch enters
its owner in a set. A scan of all keys' names finds owners whose records older versions wrote, once a day and
only if somebody asks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import redis

from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX, Scripts
from shared.wire.operations.api_key import ALL_OWNERS

Kind = Literal["jobs", "batches", "dead", "deliveries"]

OWNERS = PREFIX + "owners"
LOOKED = PREFIX + "owners:looked"  # while it exists, nobody scans the keys' names
LOOK_SECONDS = 86_400
KEYS_PER_STEP = 1000  # of the scan
MOST_LISTS = 50  # read for one page: those with the newest first ids, which have the newest ids

_LIST = re.compile(re.escape(PREFIX) + r"(?:jobs|batches|deliveries):([a-z0-9-]{1,40})")


@dataclass(frozen=True)
class Ids:
    """Ids, newest first; `more` tells whether others may follow."""

    ids: tuple[str, ...]
    more: bool


class OwnerLists:
    """Reads owners' lists. All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._scripts = Scripts(connection, ("forget_owners",))

    def behind(self, kind: Kind, owner: str, cursor: str | None, number: int) -> Ids:
        """Return up to `number` ids of an owner, or of ALL_OWNERS, that are older than the id `cursor`.

        For all owners it may return fewer, but at least one if there is any.
        """
        if owner == ALL_OWNERS:
            return self._merged(kind, cursor, number)
        (ids,) = self._read(kind, [owner], cursor, number)
        return Ids(tuple(ids), len(ids) == number)

    def owners(self) -> list[str]:
        """Return the names of all owners that have jobs, batches or deliveries."""
        with translated_errors():
            if not self._redis.exists(LOOKED):
                self._look_through()
            return sorted(cast("set[str]", self._redis.smembers(OWNERS)))

    def _merged(self, kind: Kind, cursor: str | None, number: int) -> Ids:
        owners, newest_left_out = self._newest(kind, self.owners(), cursor)
        lists = self._read(kind, owners, cursor, number)
        # Ids that were not read are older than each of these, so the newer ones are complete.
        bounds = [ids[-1] for ids in lists if len(ids) == number] + newest_left_out
        bound = max(bounds, default="")
        merged = sorted((each for ids in lists for each in ids if each >= bound), reverse=True)
        return Ids(tuple(merged[:number]), bool(merged) and (bool(bounds) or len(merged) > number))

    def _newest(self, kind: Kind, owners: list[str], cursor: str | None) -> tuple[list[str], list[str]]:
        """Return the owners with the newest ids, and the newest id of the others, if there are others."""
        if len(owners) <= MOST_LISTS:
            return owners, []
        first = zip(self._read(kind, owners, cursor, 1), owners, strict=True)
        ranked = sorted(((ids[0], owner) for ids, owner in first if ids), reverse=True)
        left_out = [newest for newest, _ in ranked[MOST_LISTS : MOST_LISTS + 1]]
        return [owner for _, owner in ranked[:MOST_LISTS]], left_out

    def _read(self, kind: Kind, owners: Sequence[str], cursor: str | None, number: int) -> list[list[str]]:
        """Return the ids of each owner, in one round trip."""
        top = f"({cursor}" if cursor else "+"
        with translated_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for owner in owners:
                pipeline.zrevrangebylex(f"{PREFIX}{kind}:{owner}", top, "-", start=0, num=number)
            return cast("list[list[str]]", pipeline.execute())

    def _look_through(self) -> None:
        """Find owners that only an older version knew, and forget those that have nothing left."""
        names = self._redis.scan_iter(match=PREFIX + "*", count=KEYS_PER_STEP, _type="zset")
        found = {match[1] for match in map(_LIST.fullmatch, cast("Sequence[str]", names)) if match}
        gone = cast("set[str]", self._redis.smembers(OWNERS)) - found
        if found:
            self._redis.sadd(OWNERS, *found)
        if gone:
            self._scripts.run("forget_owners", *gone)
        self._redis.set(LOOKED, 1, ex=LOOK_SECONDS)
