"""Deliveries of webhooks in Redis: the step that ends a job or batch creates them, workers send them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

import redis
from uuid6 import uuid7

from shared.policy.quotas import NO_QUOTAS, Quotas
from shared.policy.webhook_targets import host_of
from shared.request_errors import DeliveryNotFound
from shared.store.owner_lists import Ids, OwnerLists
from shared.store.redis.connection import translated_errors
from shared.store.redis.scripts import PREFIX, Scripts, pairs
from shared.store.webhooks.delivery_codec import DueDelivery, decode_delivery, decode_due, without_log
from shared.wire.operations.api_key import ALL_OWNERS
from shared.wire.webhook_records import Attempt, DeliveryPage, DeliveryStatus, DeliveryView

DELIVERY = "msg_"
MOST_TO_ONE_HOST = 4  # at a time; one if it did not respond to the last
MOST_ATTEMPTS = 20  # that the log shows of one delivery
PER_SCAN = 200
SCANS_PER_PAGE = 10


@dataclass(frozen=True)
class Outcome:
    """The result of an attempt. A delivery that is still pending is due again after `delay_seconds`."""

    status: DeliveryStatus
    attempt: Attempt
    delay_seconds: float = 0


class Deliveries:
    """All methods raise QueueUnavailable when Redis does not respond."""

    def __init__(self, connection: redis.Redis, most_settled: int) -> None:
        """Keep up to `most_settled` of one owner's deliveries that have ended."""
        self._redis = connection
        self._most_settled = most_settled
        self._lists = OwnerLists(connection)
        self._scripts = Scripts(
            connection, ("lease_deliveries", "settle_delivery", "redeliver", "create_test_delivery")
        )

    # --- sending ----------------------------------------------------------------------------------

    def take(self, number: int, lease_seconds: float) -> list[DueDelivery]:
        """Lease up to `number` due deliveries, hosts in turn."""
        answer = self._scripts.run(
            "lease_deliveries", uuid4().hex, int(lease_seconds * 1000), number, MOST_TO_ONE_HOST
        )
        leased = cast("list[tuple[str, list[str]]]", answer)
        return [decode_due(delivery_id, pairs(fields)) for delivery_id, fields in leased]

    def settle(self, due: DueDelivery, outcome: Outcome) -> bool:
        """Record an attempt. Returns False if the caller's lease ended, or the delivery is gone."""
        answered = outcome.attempt.status_code is not None
        done = self._scripts.run(
            "settle_delivery",
            due.id,
            due.token,
            outcome.status,
            int(outcome.delay_seconds * 1000),
            outcome.attempt.model_dump_json(exclude_none=True),
            MOST_TO_ONE_HOST,
            "" if answered else "1",
            MOST_ATTEMPTS,
            self._most_settled,
        )
        return bool(done)

    # --- the client's wishes ------------------------------------------------------------------------

    def owner_of(self, delivery_id: str) -> str:
        """
        Raises:
            DeliveryNotFound: there is no such delivery.
        """
        with translated_errors():
            owner = cast("str | None", self._redis.hget(_key(delivery_id), "owner"))
        if owner is None:
            raise _not_found(delivery_id)
        return owner

    def look(self, delivery_id: str, owner: str) -> DeliveryView:
        """
        Raises:
            DeliveryNotFound: this owner has no such delivery.
        """
        with translated_errors():
            fields = cast("dict[str, str]", self._redis.hgetall(_key(delivery_id)))
        if fields.get("owner") != owner:
            raise _not_found(delivery_id)
        return decode_delivery(delivery_id, fields)

    def page(
        self,
        owner: str,
        *,
        limit: int,
        cursor: str | None = None,
        status: DeliveryStatus | None = None,
        subject: str | None = None,
    ) -> DeliveryPage:
        """Return up to `limit` deliveries of an owner, or of ALL_OWNERS, newest first.

        `subject` is the id of their job or batch; None matches all. Looks at a few thousand records at the
        most, so a page with rare matches may be short.
        """
        found: list[DeliveryView] = []
        for _ in range(SCANS_PER_PAGE):
            some = self._behind(owner, cursor, subject)
            found += [each for each in self._look_many(some.ids, owner) if status in (None, each.status)]
            cursor = some.ids[-1] if some.more else None
            if len(found) > limit:
                found, cursor = found[:limit], found[limit - 1].id
            if cursor is None or len(found) >= limit:
                break
        return DeliveryPage(deliveries=tuple(map(without_log, found)), next_cursor=cursor)

    def redeliver(self, delivery_id: str, owner: str) -> DeliveryView:
        """Make a delivery due now, with all its attempts. One that is being sent goes on.

        Raises:
            DeliveryNotFound: this owner has no such delivery.
        """
        if self._scripts.run("redeliver", delivery_id, owner) is None:
            raise _not_found(delivery_id)
        return self.look(delivery_id, owner)

    def test(self, owner: str, url: str, root: str, quotas: Quotas = NO_QUOTAS) -> DeliveryView:
        """Create a test delivery, which is sent like any other.

        Raises:
            TooMuchPending: too many of the owner's deliveries are still to be sent.
        """
        delivery_id = DELIVERY + uuid7().hex
        kind = self._scripts.run(
            "create_test_delivery", delivery_id, owner, url, host_of(url), root, quotas.to_json()
        )
        if kind:
            quotas.refuse(str(kind))
        return self.look(delivery_id, owner)

    # --- inside -------------------------------------------------------------------------------------

    def _behind(self, owner: str, cursor: str | None, subject: str | None) -> Ids:
        if subject is None:
            return self._lists.behind("deliveries", owner, cursor, PER_SCAN)
        top = f"({cursor}" if cursor else "+"
        with translated_errors():
            found = self._redis.zrevrangebylex(
                PREFIX + "deliveries_of:" + subject, top, "-", start=0, num=PER_SCAN
            )
        ids = cast("list[str]", found)
        return Ids(tuple(ids), len(ids) == PER_SCAN)

    def _look_many(self, ids: Sequence[str], owner: str) -> list[DeliveryView]:
        with translated_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for delivery_id in ids:
                pipeline.hgetall(_key(delivery_id))
            records = cast("list[Mapping[str, str]]", pipeline.execute())
        return [
            decode_delivery(delivery_id, fields)
            for delivery_id, fields in zip(ids, records, strict=True)
            if fields and owner in (ALL_OWNERS, fields["owner"])
        ]


def _key(delivery_id: str) -> str:
    return f"{PREFIX}delivery:{delivery_id}"


def _not_found(delivery_id: str) -> DeliveryNotFound:
    return DeliveryNotFound(f"There is no delivery {delivery_id[:64]!r}")
