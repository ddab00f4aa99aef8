"""Backpressure: the limits on waiting jobs. An early refusal does less harm than a full Redis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.policy.quotas import NO_QUOTAS, Quotas
from shared.request_errors import QueueFull
from shared.settings import Settings

FULL = "full"


@dataclass(frozen=True)
class QueueLimits:
    """The most jobs that may wait at a time, for one owner and for all, with the owner's quotas."""

    of_owner: int
    in_all: int
    quotas: Quotas = NO_QUOTAS

    @classmethod
    def from_settings(cls, settings: Settings) -> QueueLimits:
        return cls(settings.max_queued_per_owner, settings.max_queued, Quotas.from_settings(settings))

    def as_options(self) -> dict[str, Any]:
        quotas = self.quotas.as_options()
        return {"most_of_owner": self.of_owner, "most_in_all": self.in_all, "quotas": quotas}


NO_LIMITS = QueueLimits(2**53, 2**53)


def check_room(answer: Sequence[Any], limits: QueueLimits) -> Sequence[Any]:
    """Return the reply of the script `create`, unless it is a refusal.

    Raises:
        QueueFull: the queue has no room for the jobs.
        QuotaFull, TooMuchPending: the owner has reached a quota.
    """
    if answer[0] == "quota":
        limits.quotas.refuse(str(answer[1]))
    if answer[0] != FULL:
        return answer
    if answer[1] == "owner":
        raise QueueFull(
            f"You have reached your limit of waiting jobs: {int(answer[2]):,} (max_queued_per_owner)"
        )
    raise QueueFull(f"The queue is full: the service takes {limits.in_all:,} waiting jobs (max_queued)")
