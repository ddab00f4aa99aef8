"""A worker of a version that knows no calls: `celery -A tests.faults.stand_ins.older_worker worker`."""

from __future__ import annotations

import re

from shared.broker.queue import BUNDLE_TASK, NEXT_TASK
from shared.store.redis import scripts as redis_scripts

KNOWS_CALLS = re.compile(r"redis\.call\('SADD', workers_(?:calls|bundles)_key\(\), id\)")

newer_text = redis_scripts.script_text
assert len(KNOWS_CALLS.findall(newer_text("heartbeat"))) == 2
redis_scripts.script_text = lambda name: KNOWS_CALLS.sub("", newer_text(name))

from tests.faults.stand_ins.scripted_worker import app  # noqa: E402 - its scripts are those of above

app.tasks.unregister(NEXT_TASK)
app.tasks.unregister(BUNDLE_TASK)
