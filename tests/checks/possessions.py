"""An owner with everything that an owner can have, for tests of who sees it."""

from __future__ import annotations

import redis
from flask import Flask

from shared.storage.objects import Storage
from shared.store.batches import BatchStore
from shared.store.jobs import JobStore
from tests.access import as_owner
from tests.jobs import finalize
from tests.stacks.service import PAIR, accepted, give_up, paint, post_lines

DELIVERIES = "/v1/webhooks/deliveries"


class Theirs:
    """The possessions of one owner: a batch with jobs that ended well and badly, results, and a delivery."""

    def __init__(self, app: Flask, connection: redis.Redis, storage: Storage, owner: str = "anna") -> None:
        self.client = as_owner(app, owner)
        store, batches = JobStore(connection), BatchStore(connection)
        hooked = {**PAIR, "webhook": {"url": "https://hooks.example.org/in"}}
        self.batch = accepted(post_lines(self.client, hooked, PAIR, {"no": "job"}))["id"]
        page = self.client.get(f"/v1/batches/{self.batch}/jobs").json or {}
        self.job, self.failed = (job["id"] for job in page["jobs"])
        paint(store, storage, self.job)
        give_up(store, self.failed)
        finalize(batches)
        (delivery,) = (self.client.get(f"{DELIVERIES}?job_id={self.job}").json or {})["deliveries"]
        self.delivery = delivery["id"]
        action = self.client.post("/v1/bulk-actions", json={"action": "retry"})
        self.action = accepted(action)["id"]

    def ids(self) -> dict[str, list[str]]:
        return {
            "job_id": [self.job, self.failed],
            "batch_id": [self.batch],
            "delivery_id": [self.delivery],
            "action_id": [self.action],
        }
