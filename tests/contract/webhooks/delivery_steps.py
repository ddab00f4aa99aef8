"""Short forms for tests of webhook deliveries."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.store.webhooks.deliveries import Deliveries, Outcome
from shared.store.webhooks.delivery_codec import DueDelivery
from shared.wire.webhook_records import Attempt, DeliveryStatus
from tests.jobs import LEASE_SECONDS, OWNER

HOOK = "https://hooks.example.org/in"
WEBHOOK = {"url": HOOK}
KEPT = 100


def types(deliveries: Deliveries, owner: str = OWNER, **query: object) -> list[str]:
    """Return the types of an owner's deliveries, the oldest first."""
    page = deliveries.page(owner, limit=1000, **query)  # type: ignore[arg-type]
    return [delivery.type for delivery in reversed(page.deliveries)]


def settled(status: DeliveryStatus, status_code: int | None = 200, delay_seconds: float = 0) -> Outcome:
    attempt = Attempt(at=datetime.now(UTC), duration_ms=1.0, status_code=status_code)
    return Outcome(status, attempt, delay_seconds)


def take(deliveries: Deliveries, number: int = 100) -> list[DueDelivery]:
    return deliveries.take(number, LEASE_SECONDS)


DELIVERED = settled(DeliveryStatus.DELIVERED)
GIVEN_UP = settled(DeliveryStatus.FAILED, 410)
