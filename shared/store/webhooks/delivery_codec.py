"""A delivery as the fields of a Redis hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.ids import JOB
from shared.store.codecs.job import time_of, time_or_none
from shared.wire.webhook_records import Attempt, Delivery, DeliveryStatus, DeliveryView

ATTEMPT = "attempt:"


@dataclass(frozen=True)
class DueDelivery:
    """A delivery as its sender needs it; `facts` are fields of the job or batch from when it ended."""

    id: str
    token: str
    owner: str
    type: str
    url: str
    root: str
    subject: str | None  # the id of its job or batch
    tries: int  # before this one, since it was created or requested again
    created_at: datetime
    facts: Mapping[str, str]


def decode_due(delivery_id: str, fields: Mapping[str, str]) -> DueDelivery:
    return DueDelivery(
        id=delivery_id,
        token=fields["token"],
        owner=fields["owner"],
        type=fields["type"],
        url=fields["url"],
        root=fields["root"],
        subject=fields.get("subject"),
        tries=int(fields["attempts"]) - int(fields["before"]),
        created_at=time_of(fields["created_ms"]),
        facts=fields,
    )


def decode_delivery(delivery_id: str, fields: Mapping[str, str]) -> DeliveryView:
    subject = fields.get("subject")
    is_job = subject is not None and subject.startswith(JOB)
    numbers = sorted(int(name.removeprefix(ATTEMPT)) for name in fields if name.startswith(ATTEMPT))
    log = tuple(Attempt.model_validate_json(fields[f"{ATTEMPT}{number}"]) for number in numbers)
    return DeliveryView(
        id=delivery_id,
        type=fields["type"],
        status=DeliveryStatus(fields["status"]),
        url=fields["url"],
        owner=fields["owner"],
        job_id=subject if is_job else None,
        batch_id=None if is_job else subject,
        attempts=int(fields["attempts"]),
        created_at=time_of(fields["created_ms"]),
        next_attempt_at=time_or_none(fields, "next_ms"),
        last_attempt=log[-1] if log else None,
        log=log,
    )


def without_log(delivery: DeliveryView) -> Delivery:
    return Delivery.model_validate(dict(delivery))
