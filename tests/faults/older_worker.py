"""A worker of a version that knows no calls: `celery -A tests.faults.older_worker worker`."""

from __future__ import annotations

from shared.broker.queue import NEXT_TASK
from shared.store.redis import scripts as redis_scripts

KNOWS_CALLS = "redis.call('SADD', workers_calls_key(), id)"

newer_text = redis_scripts.script_text
assert KNOWS_CALLS in newer_text("heartbeat")
redis_scripts.script_text = lambda name: newer_text(name).replace(KNOWS_CALLS, "")

from tests.faults.scripted_worker import app  # noqa: E402 - its scripts are those of above

app.tasks.unregister(NEXT_TASK)
